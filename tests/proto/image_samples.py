"""Pictures, files of them by hand, and what opening them says."""

import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PIL
from PIL import features

from mmjudge.contract import EncodedImage, ErrorCode, ItemError
from mmjudge.contract.image_files import MAX_PIXELS, open_image

ORIENTATION = 0x0112
HEIGHT, WIDTH = 12, 20
# Smooth, so that JPEG and WebP keep it nearly; no two of its eight orientations are alike.
ROWS, COLUMNS = np.mgrid[0:HEIGHT, 0:WIDTH]
SCENE = np.stack([COLUMNS * 12, ROWS * 20, (ROWS + COLUMNS) * 4], axis=-1).astype(np.uint8)


def refusal(call: Callable[[], object]) -> str:
    """Reason of the `ItemError` that `call` raises."""
    with pytest.raises(ItemError) as caught:
        call()
    error = caught.value.error
    assert error.code is ErrorCode.INVALID_ARGUMENT
    assert error.message
    return error.reason


def file(picture: PIL.Image, kind: str, **options: Any) -> bytes:
    out = BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> tuple[PIL.Image, list[str]]:
    """Picture and codes of the notes."""
    picture, notes = open_image(EncodedImage(data))
    assert all(note.message and not note.field for note in notes)
    return picture, [note.code for note in notes]


def refused(data: bytes, max_pixels: int = MAX_PIXELS) -> str:
    return refusal(lambda: open_image(EncodedImage(data), max_pixels))


def scene(mode: str = "RGB") -> PIL.Image:
    return PIL.fromarray(SCENE).convert(mode)


def pixels(picture: PIL.Image) -> NDArray[Any]:
    return np.asarray(picture)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, *extra: bytes) -> bytes:
    """A PNG made by hand; `data` holds the filter byte and the pixels of each row."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    packed = chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), *extra, packed, chunk(b"IEND", b"")]
    )


def exif(orientation: int) -> PIL.Exif:
    made = PIL.Exif()
    made[ORIENTATION] = orientation
    return made


LOSSY: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {"quality": 95}),
    ("JPEG", {"quality": 95, "progressive": True}),
    ("WEBP", {"quality": 95}),
]
PIL.init()
if "AVIF" in PIL.OPEN and features.check("avif"):
    LOSSY.append(("AVIF", {}))


def _frames(kind: str, mode: str) -> bytes:
    later = scene().rotate(180).convert(mode)
    return file(scene(mode), kind, save_all=True, append_images=[later])


FRAMES = {
    (kind, mode): _frames(kind, mode)
    for kind, mode in [("GIF", "P"), ("PNG", "RGB"), ("WEBP", "RGB"), ("TIFF", "RGB")]
}
