"""Pictures inside a page."""

import base64
from io import BytesIO

from PIL import Image


def jpeg_uri(picture: Image.Image, longest_side: int, quality: int) -> str:
    """A JPEG of an RGB picture, of at most so many pixels a side, as a data URI."""
    small = picture.copy()
    small.thumbnail((longest_side, longest_side))
    file = BytesIO()
    small.save(file, "JPEG", quality=quality, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
