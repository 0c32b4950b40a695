"""Images as they are sent: a file's bytes, raw pixels, a location or a digest."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PIL

from mmjudge.contract.errors import invalid
from mmjudge.contract.tensors import DataType, decode_tensor, encode_tensor
from mmjudge.v1 import media_pb2 as pb


@dataclass(frozen=True)
class EncodedImage:
    """A whole image file (PNG, JPEG, WebP, ...)."""

    data: bytes

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the file's bytes."""
        return sha256(self.data).digest()


@dataclass(frozen=True, eq=False)
class PixelImage:
    """Decoded sRGB pixels, uint8 `[height, width, 3]`; TypeError or ValueError otherwise."""

    pixels: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.pixels.dtype != np.uint8:
            raise TypeError(
                f"image array of {self.pixels.dtype}, expected uint8: "
                "floats in [0, 1] need (x * 255).round().astype(np.uint8)"
            )
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(
                f"image array of shape {list(self.pixels.shape)}, expected [height, width, 3]: "
                "transpose a [3, height, width] array, repeat a grey one three times"
            )
        if 0 in self.pixels.shape:
            raise ValueError(f"image array of shape {list(self.pixels.shape)} has no pixels")

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the shape and the pixels; never equal to that of a file."""
        digest = sha256(b"mmjudge pixels %d %d\n" % self.pixels.shape[:2])
        digest.update(np.ascontiguousarray(self.pixels).data)
        return digest.digest()


@dataclass(frozen=True, slots=True)
class ImageUri:
    """A location the server is configured to read."""

    uri: str


@dataclass(frozen=True, slots=True)
class ImageDigest:
    """SHA-256 (32 bytes) of a file sent before."""

    sha256: bytes

    def __post_init__(self) -> None:
        if len(self.sha256) != 32:
            raise ValueError(f"digest of {len(self.sha256)} bytes, expected the 32 of a SHA-256")


_ORIENTATION = 0x0112

Image = EncodedImage | PixelImage | ImageUri | ImageDigest


def image_from_pil(image: PIL.Image) -> EncodedImage | PixelImage:
    """Return `image` in a lossless form: raw pixels for RGB, a PNG for all that is not plain RGB.

    A PNG keeps palettes, alpha, 16-bit greys and the EXIF orientation, so that the server sees what
    a file would have shown it. Modes PNG cannot hold (CMYK, YCbCr, ...) travel as TIFF. OSError for
    a mode that neither holds (HSV, La, RGBa).
    """
    image.load()
    orientation = exif_orientation(image)
    if image.mode == "RGB" and orientation == 1:
        return PixelImage(np.asarray(image))
    file = BytesIO()
    kind = "PNG" if image.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF"
    exif = PIL.Exif()
    if orientation != 1:
        exif[_ORIENTATION] = orientation
    # A picture remembers the compression of the TIFF it came from, which may be JPEG.
    image.save(file, kind, exif=exif, compression="raw")
    return EncodedImage(file.getvalue())


def exif_orientation(image: PIL.Image) -> int:
    """EXIF orientation, 1 to 8, of a loaded image; 1 (upright) if it is missing or unreadable."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    except Exception:  # noqa: BLE001  # readers of untrusted bytes raise anything at all
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def image_to_proto(image: Image) -> pb.Image:
    """Encode for the wire."""
    match image:
        case EncodedImage(data):
            return pb.Image(encoded=data)
        case PixelImage(pixels):
            return pb.Image(pixels=encode_tensor(pixels))
        case ImageUri(uri):
            return pb.Image(uri=uri)
        case ImageDigest(digest):
            return pb.Image(sha256=digest)


def image_from_proto(image: pb.Image, *, field: str, max_pixels: int) -> Image:
    """Decode from the wire without opening files; raises `ItemError` naming `field`."""
    match image.WhichOneof("source"):
        case "encoded":
            return EncodedImage(image.encoded)
        case "pixels":
            pixels: NDArray[Any] = decode_tensor(
                image.pixels,
                field=f"{field}.pixels",
                dtypes=[DataType.UINT8],
                shape=[None, None, 3],
                max_bytes=3 * max_pixels,
            )
            if pixels.size == 0:
                raise invalid(
                    "IMAGE_EMPTY", f"shape {list(pixels.shape)}: no pixels", f"{field}.pixels"
                )
            return PixelImage(pixels)
        case "uri":
            return ImageUri(image.uri)
        case "sha256":
            if len(image.sha256) != 32:
                raise invalid(
                    "DIGEST_SIZE", f"{len(image.sha256)} bytes, expected 32", f"{field}.sha256"
                )
            return ImageDigest(image.sha256)
        case _:
            raise invalid(
                "IMAGE_MISSING", "no source, expected encoded, pixels, uri or sha256", field
            )
