"""What tests of runs share."""

import pytest
from tests.bench.fake_judges import FakeClient, comparing, judge


@pytest.fixture
def client() -> FakeClient:
    """Two judges of single candidates, and one that compares."""
    return FakeClient([judge("clip"), judge("hps"), comparing("vlm")])
