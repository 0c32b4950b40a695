"""Opening images for a judge: what is read, what is refused, what is noted."""

from functools import cache
from io import BytesIO
from typing import NamedTuple

import numpy as np
from PIL import Image as PIL
from PIL import ImageOps, UnidentifiedImageError

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.contract.images import EncodedImage, PixelImage, exif_orientation
from mmjudge.contract.verdicts import Note

MAX_PIXELS = 64 * 1024 * 1024
# Scaling the short side of a thinner image to a model's input makes a picture of gigabytes.
MAX_ASPECT_RATIO = 200
# PIL opens more, but among those are formats that hide a larger picture than they say (ICO), run a
# program (EPS) or decode slowly in Python.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")


class OpenedImage(NamedTuple):
    """A picture in its own colour mode, and what was done to get there."""

    picture: PIL.Image
    notes: tuple[Note, ...]


def open_image(
    image: EncodedImage | PixelImage, max_pixels: int = MAX_PIXELS, *, turn: bool = True
) -> OpenedImage:
    """Open one image, whole and upright.

    The mode stays the file's own (L, LA, P, RGB, RGBA, CMYK, ...), because reference pipelines
    differ in whether they convert to RGB before or after resizing; 16-bit greys become L. The EXIF
    orientation is applied and noted; without `turn` it is not applied, as some reference pipelines
    have it, and that is noted. Alpha that is not opaque is noted, since judges see the colours
    under it.

    Raises `ItemError`: IMAGE_EMPTY (no bytes), IMAGE_UNDECODABLE (none of `FORMATS`, truncated
    or corrupt), IMAGE_ANIMATED (several frames), IMAGE_TOO_LARGE (more than `max_pixels`, checked
    before decoding), IMAGE_TOO_ELONGATED (sides differ more than 200 times), IMAGE_MODE (32-bit
    modes, whose range is unknown).
    """
    if isinstance(image, PixelImage):
        _check_size(image.pixels.shape[1], image.pixels.shape[0], max_pixels)
        return OpenedImage(PIL.fromarray(image.pixels), ())
    if not image.data:
        raise invalid("IMAGE_EMPTY", "0 bytes, expected an image file")
    try:
        picture = PIL.open(BytesIO(image.data), formats=_installed_formats())
        _check_size(*picture.size, max_pixels)
        # An MPO is a photograph with previews attached; its first frame is the photograph.
        # Not `n_frames`, which reads the whole file, a TIFF's in quadratic time.
        if picture.format != "MPO" and getattr(picture, "is_animated", False):
            raise invalid(
                "IMAGE_ANIMATED",
                f"{picture.format} of several frames, expected one: send the frame to be judged",
            )
        # PIL turns a TIFF upright while loading it, and forgets that it did.
        turned = exif_orientation(picture) if picture.format == "TIFF" else 1
        picture.load()
        orientation = exif_orientation(picture)
        applied, ignored = (max(turned, orientation), 1) if turn else (turned, orientation)
        shown = ImageOps.exif_transpose(picture) if turn and orientation != 1 else picture
    except (PIL.DecompressionBombError, PIL.DecompressionBombWarning) as error:
        raise invalid("IMAGE_TOO_LARGE", f"{error}; at most {max_pixels} pixels allowed") from error
    except ItemError:
        raise
    except Exception as error:  # decoders of untrusted bytes raise anything at all
        raise invalid(
            "IMAGE_UNDECODABLE",
            f"{len(image.data)} bytes that are no whole image file ({_reason(error)})",
        ) from error
    notes = tuple(_notes(shown, applied, ignored))
    if shown.mode == "P" and isinstance(shown.info.get("transparency"), bytes):
        # Noted, and of no effect on the colours; PIL would warn of it at every conversion.
        del shown.info["transparency"]
    return OpenedImage(_to_8_bit(shown), notes)


@cache
def _installed_formats() -> list[str]:
    PIL.init()
    return [name for name in FORMATS if name in PIL.OPEN]


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise invalid(
            "IMAGE_TOO_LARGE",
            f"{width} x {height} = {width * height} pixels, at most {max_pixels} allowed",
        )
    if max(width, height) > MAX_ASPECT_RATIO * min(width, height):
        raise invalid(
            "IMAGE_TOO_ELONGATED",
            f"{width} x {height}: one side may be at most {MAX_ASPECT_RATIO} times the other; "
            "crop or pad it",
        )


def _to_8_bit(picture: PIL.Image) -> PIL.Image:
    if picture.mode.startswith("I;16"):  # PIL's own conversion clips at 255 instead of scaling
        grey = np.asarray(picture).astype(np.uint32)
        return PIL.fromarray(((grey + 128) // 257).astype(np.uint8))
    if picture.mode in ("I", "F"):
        raise invalid(
            "IMAGE_MODE", f"mode {picture.mode} has no known range: convert it to 8 bits a channel"
        )
    return picture


def _notes(shown: PIL.Image, applied: int, ignored: int) -> list[Note]:
    notes = []
    if applied != 1:
        notes.append(Note("IMAGE_ROTATED", f"turned upright by its EXIF orientation {applied}"))
    if ignored != 1:
        message = f"shown as stored, not turned by its EXIF orientation {ignored}, as published"
        notes.append(Note("EXIF_IGNORED", message))
    if shown.has_transparency_data:
        lowest = shown.convert("RGBA").getchannel("A").getextrema()[0]
        if lowest != 255:
            notes.append(
                Note(
                    "ALPHA_IGNORED",
                    "has transparent pixels; alpha is dropped, as reference pipelines do",
                )
            )
    return notes


def _reason(error: Exception) -> str:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, UnidentifiedImageError):
        return f"unknown format, expected one of {', '.join(FORMATS)}"
    return first
