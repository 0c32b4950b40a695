"""Fixtures of the contract's tests."""

from collections.abc import Iterator

import pytest
from PIL import Image as PIL
from PIL import ImageFile


@pytest.fixture
def decoding_forbidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def forbidden(*args: object, **kwargs: object) -> None:
        pytest.fail("pixels were decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", forbidden)
    monkeypatch.setattr(PIL, "_getdecoder", forbidden)
    yield
