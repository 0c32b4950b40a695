"""Images as data URLs: files as they are where every server reads them, else as PNG."""

from base64 import b64encode
from io import BytesIO

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.verdicts import Note

# What `open_image` does to the picture it opens, a file that travels as it is carries along.
LEFT_TO_THE_ENDPOINT = {
    "IMAGE_ROTATED": Note(
        "ORIENTATION_LEFT",
        "has an EXIF orientation and was sent as it is: the endpoint may turn it upright or not",
    ),
    "ALPHA_IGNORED": Note(
        "ALPHA_LEFT",
        "has transparent pixels and was sent as it is: the endpoint decides what is seen there",
    ),
}


def data_url(image: EncodedImage | PixelImage) -> tuple[str, tuple[Note, ...]]:
    """Return the image as a `data:` URL, and notes on it.

    PNG, JPEG, WebP and GIF files are sent byte for byte; pixels, and files of other formats once
    they are decoded and upright, as PNG. Slow (it decodes every image, to refuse a broken one):
    not for the event loop. Raises `ItemError` as `open_image` does.
    """
    opened = open_image(image)
    kind = _media_type(image.data) if isinstance(image, EncodedImage) else None
    if kind and isinstance(image, EncodedImage):
        notes = tuple(LEFT_TO_THE_ENDPOINT[note.code] for note in opened.notes)
        return _url(kind, image.data), notes
    file = BytesIO()
    # Little compression, since encoding costs more time than most networks take for the rest.
    opened.picture.convert("RGB").save(file, "PNG", compress_level=1)
    return _url("image/png", file.getvalue()), opened.notes


def _media_type(file: bytes) -> str | None:
    if file.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if file.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if file.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if file.startswith(b"RIFF") and file[8:12] == b"WEBP":
        return "image/webp"
    return None


def _url(media_type: str, file: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(file).decode()}"
