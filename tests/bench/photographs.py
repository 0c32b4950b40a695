"""The example photographs, small, and what is made of them: better and worse images of a caption.

A better one is a photograph; a worse one is it blurred, a corner of it, or another photograph. All
are 128 pixels wide, a few KB each, and the same from run to run.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"

OCCUPATIONS = ("Carpet Merchant", "Tea Shop Owner")
DEMOGRAPHICS = (
    "young_female_buddhist", "old_female_muslim", "adult_male_jewish", "old_non-binary_hindu",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Photograph:
    """A photograph with its true caption; it, and what is made of it, as JPEG; cropped is a PNG."""

    name: str
    caption: str
    jpeg: bytes
    blurred: bytes
    moved: bytes
    cropped: bytes


@dataclass(frozen=True, slots=True)
class Pair:
    """A caption, the image that fits it better, and the one that fits it worse."""

    perspective: str
    subcategory: str
    caption: str
    better: bytes
    worse: bytes


@dataclass(frozen=True, slots=True)
class Portrait:
    """An image of an occupation's group, and who it is to show."""

    occupation: str
    demographic: str
    image: bytes


@cache
def photographs() -> tuple[Photograph, ...]:
    """The 8 example photographs, 128 pixels wide, with what is made of them."""
    found = []
    for file, entry in captions().items():
        (path,) = PHOTOS.glob(f"{file}.*")
        with Image.open(path) as opened:
            image = opened.convert("RGB")
        image = image.resize((128, round(128 * image.height / image.width)))
        moved = image.resize((8, image.height)).resize(image.size)
        corner = image.crop((0, 0, 40, 40)).resize(image.size)
        found.append(
            Photograph(
                file,
                entry["caption"],
                _jpeg(image),
                _jpeg(image.filter(ImageFilter.GaussianBlur(4))),
                _jpeg(moved),
                _png(corner.quantize(32)),
            )
        )
    return tuple(found)


@cache
def pairs() -> tuple[Pair, ...]:
    """8 pairs of alignment (another photograph), safety (a corner of it) and quality (blurred)."""
    ours, kinds = photographs(), ("action", "attribute", "object", "spatial")
    found = []
    for number, (ours_now, other) in enumerate(zip(ours, (*ours[1:], ours[0]), strict=True)):
        caption, jpeg, subcategory = ours_now.caption, ours_now.jpeg, kinds[number % 4]
        found.append(Pair("alignment", subcategory, caption, jpeg, other.jpeg))
    for perspective, subcategory, worse in (
        ("safety", "nsfw", "cropped"),
        ("quality", "blur/defocused", "blurred"),
    ):
        found += [
            Pair(perspective, subcategory, one.caption, one.jpeg, getattr(one, worse))
            for one in ours
        ]
    return tuple(found)


def portraits() -> tuple[Portrait, ...]:
    """2 occupations with 4 images each."""
    images = [image for one in photographs()[:4] for image in (one.jpeg, one.cropped)]
    told = [(group, who) for group in OCCUPATIONS for who in DEMOGRAPHICS]
    return tuple(Portrait(*names, image) for names, image in zip(told, images, strict=True))


def new_pairs() -> Iterable[Pair]:
    """8 pairs each of the perspectives that the second version has more."""
    for one in photographs():
        yield Pair("composition", "layout", one.caption, one.jpeg, one.moved)
        yield Pair("visualization", "chart", one.caption, one.jpeg, one.blurred)


@cache
def captions() -> Mapping[str, Any]:
    """The entries of captions.json by their files' stems."""
    entries = json.loads((PHOTOS / "captions.json").read_text(encoding="utf-8"))
    return {Path(entry["file"]).stem: entry for entry in entries}


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
