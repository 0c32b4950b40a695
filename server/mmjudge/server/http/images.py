"""Images in texts: base64, data URLs, and references to files the server can find."""

import binascii
from base64 import b64decode

from mmjudge.contract.images import EncodedImage, Image, ImageDigest, ImageUri
from mmjudge.server.http.nodes import Node


def base64_image(node: Node) -> EncodedImage:
    """Read a base64 text, or a data URL of one, as a whole image file.

    Raises `InvalidRequest` where it is no base64; what the bytes are is seen when they are opened.
    """
    text = node.text()
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.lower().endswith(";base64"):
            raise node.bad("a data URL without ;base64, expected data:image/...;base64,...")
    try:
        return EncodedImage(b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise node.bad(f"not base64 ({error})") from error


def referenced_image(node: Node) -> Image | None:
    """Read a text that is nothing but an image reference; None for any other text.

    A reference is `data:image/...;base64,...`, `file:...` (under the server's image_roots) or
    `sha256:` and the 64 hexadecimal digits of a file sent before.
    """
    text = node.text()
    head = text[:11].lower()
    if head.startswith("data:image/"):
        return base64_image(node)
    if head.startswith("file:"):
        return ImageUri(text)
    if head.startswith("sha256:"):
        try:
            return ImageDigest(bytes.fromhex(text[7:]))
        except ValueError as error:
            raise node.bad(f"not a SHA-256 ({error})") from error
    return None
