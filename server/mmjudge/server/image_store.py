"""Images that items name instead of carrying: by digest of bytes sent before, or by location."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

from mmjudge.contract.errors import Error, ErrorCode, ItemError, invalid
from mmjudge.contract.images import EncodedImage, Image, ImageDigest, ImageUri, PixelImage
from mmjudge.contract.items import Item, Part
from mmjudge.server.feature_cache import FeatureCache


class ImageStore:
    """Holds the files that came as `encoded`, by SHA-256, and reads `file:` URIs under its roots.

    Without roots no URI is read: a server that fetches what strangers name is a hole.
    """

    def __init__(self, max_bytes: int, roots: Sequence[str]) -> None:
        self._held = FeatureCache(max_bytes)
        self._lock = Lock()  # requests are read on several threads
        self._roots = [Path(root).resolve() for root in roots]

    def hold(self, item: Item) -> None:
        """Keep the item's files, so that later items may name them by digest."""
        for image in _images(item):
            if isinstance(image, EncodedImage):
                digest = image.digest  # takes long, so not under the lock
                with self._lock:
                    self._held.put(digest, image, len(image.data))

    def resolve(self, item: Item) -> Item:
        """Return the item with digests and URIs replaced by files; reads the disk, hashes images.

        Raises `ItemError`: IMAGE_NOT_HELD (send the bytes), URI_REFUSED (outside the roots),
        URI_UNREADABLE.
        """
        if any(isinstance(image, ImageDigest | ImageUri) for image in _images(item)):
            item = self._replaced(item)
        for image in _images(item):
            if isinstance(image, EncodedImage | PixelImage):
                _hashed = image.digest  # here, on a CPU thread, and not on the event loop later
        return item

    def _replaced(self, item: Item) -> Item:
        return replace(
            item,
            prompt=self._parts(item.prompt, "prompt"),
            candidates=[
                replace(candidate, parts=self._parts(candidate.parts, f"candidates[{i}].parts"))
                for i, candidate in enumerate(item.candidates)
            ],
            references=[
                self._parts(parts, f"references[{i}].parts")
                for i, parts in enumerate(item.references)
            ],
        )

    def _parts(self, parts: Sequence[Part], path: str) -> list[Part]:
        return [
            part if isinstance(part, str) else self._image(part, f"{path}[{i}].image")
            for i, part in enumerate(parts)
        ]

    def _image(self, image: Image, path: str) -> Image:
        match image:
            case ImageDigest(digest):
                with self._lock:
                    held: EncodedImage | None = self._held.get(digest)
                if held is None:
                    message = f"no file with SHA-256 {digest.hex()} is held: send it as encoded"
                    error = Error(ErrorCode.NOT_FOUND, "IMAGE_NOT_HELD", message, f"{path}.sha256")
                    raise ItemError(error)
                return held
            case ImageUri(uri):
                return EncodedImage(self._read(uri, f"{path}.uri"))
            case _:
                return image

    def _read(self, uri: str, path: str) -> bytes:
        file = _file(uri) if self._roots else None
        if file is None or not any(file.is_relative_to(root) for root in self._roots):
            raise invalid(
                "URI_REFUSED",
                f"{uri!r} is no file: URI under the server's image_roots: send the image's bytes",
                path,
            )
        try:
            return file.read_bytes()
        except OSError as error:
            raise ItemError(
                Error(ErrorCode.NOT_FOUND, "URI_UNREADABLE", f"{uri!r}: {error.strerror}", path)
            ) from error


def _file(uri: str) -> Path | None:
    """The file that a `file:` URI names, links followed; None for all that names none."""
    try:
        parts = urlsplit(uri)
        if parts.scheme != "file" or parts.netloc:
            return None
        return Path(unquote(parts.path)).resolve()
    except (ValueError, RuntimeError):  # half a host, a NUL, links in a circle
        return None


def _images(item: Item) -> Iterable[Image]:
    groups = [item.prompt, *(c.parts for c in item.candidates), *item.references]
    return (part for parts in groups for part in parts if not isinstance(part, str))
