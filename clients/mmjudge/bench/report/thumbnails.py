"""Small copies of pictures for a page, each distinct one once."""

from hashlib import sha256

from markupsafe import Markup

from mmjudge.bench.data_uris import jpeg_uri
from mmjudge.bench.report.evaluation import Pictures
from mmjudge.contract import EncodedImage
from mmjudge.contract.errors import ItemError
from mmjudge.contract.image_files import open_image

LONGEST_SIDE = 320
QUALITY = 80
NOT_AT_HAND = Markup(
    "The image is not at hand: name the data set with <code>--data</code> to see it here."
)


class Thumbnails:
    """Collects the pictures that a page shows.

    uris: the small copies as data URIs; equal pictures have one.
    """

    def __init__(self, pictures: Pictures) -> None:
        self.uris: list[str] = []
        self._pictures = pictures
        self._by_digest: dict[bytes, int | str] = {}

    def place(self, name: str) -> int | str:
        """The picture's place in `uris`, or a sentence on why it cannot be shown."""
        data = self._pictures(name)
        if data is None:
            return NOT_AT_HAND
        digest = sha256(data).digest()
        if digest not in self._by_digest:
            try:
                uri = thumbnail(data)
            except ItemError as error:
                self._by_digest[digest] = f"The image cannot be opened: {error}"
            else:
                self._by_digest[digest] = len(self.uris)
                self.uris.append(uri)
        return self._by_digest[digest]


def thumbnail(data: bytes) -> str:
    """A JPEG of the image, upright, at most 320 pixels a side, as a data URI.

    Raises ItemError for what is no image that a judge would be shown.
    """
    picture = open_image(EncodedImage(data)).picture.convert("RGB")
    return jpeg_uri(picture, LONGEST_SIDE, QUALITY)
