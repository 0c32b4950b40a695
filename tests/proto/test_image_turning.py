"""Photographs with an EXIF orientation, opened upright or as they are stored."""

from io import BytesIO

import pytest
from PIL import Image as PIL

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage

ORIENTATION, QUARTER_TURN = 0x0112, 6


def photograph(kind: str, orientation: int) -> EncodedImage:
    exif = PIL.Exif()
    exif[ORIENTATION] = orientation
    file = BytesIO()
    PIL.new("RGB", (40, 20)).save(file, kind, exif=exif)
    return EncodedImage(file.getvalue())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_is_applied_or_ignored_and_told_either_way(kind: str) -> None:
    image = photograph(kind, QUARTER_TURN)
    upright, stored = open_image(image), open_image(image, turn=False)
    assert (upright.picture.size, stored.picture.size) == ((20, 40), (40, 20))
    assert [note.code for note in upright.notes] == ["IMAGE_ROTATED"]
    assert [note.code for note in stored.notes] == ["EXIF_IGNORED"]
    assert "EXIF orientation 6" in stored.notes[0].message


def test_a_tiff_is_turned_by_its_decoder_in_any_case() -> None:
    opened = open_image(photograph("TIFF", QUARTER_TURN), turn=False)
    assert opened.picture.size == (20, 40)
    assert [note.code for note in opened.notes] == ["IMAGE_ROTATED"]


@pytest.mark.parametrize("turn", [True, False])
def test_an_upright_photograph_is_not_noted(turn: bool) -> None:
    assert open_image(photograph("JPEG", 1), turn=turn).notes == ()
