"""Which images and texts of an item belong together, and where in it they are."""

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.info import Input
from mmjudge.contract.items import Item, Part

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and a text that belong together, and where in the item they came from."""

    image: EncodedImage | PixelImage
    image_path: str
    text: str
    text_path: str


# What a judge reads that takes an item's `pairs`.
PAIR_INPUTS = (
    Input.PROMPT_TEXT,
    Input.PROMPT_IMAGE,
    Input.CANDIDATE_TEXT,
    Input.CANDIDATE_IMAGE,
)


def pairs(item: Item) -> list[Pair]:
    """Return the pair of each candidate.

    A candidate that is an image goes with the prompt's text (an image generator's answer), one that
    is a text goes with the prompt's image (a caption). The prompt's other parts are not read, so an
    instruction beside the image to be captioned does no harm. Raises `ItemError` PAIR_EXPECTED,
    naming the side that has none or several of what is needed.
    """
    return [_pair(item, index) for index in range(len(item.candidates))]


def image_pairs(item: Item) -> list[Pair]:
    """Return the pair of each candidate, for judges of generated images: its image, and the prompt.

    Raises `ItemError` IMAGE_EXPECTED as `candidate_images` does, PAIR_EXPECTED for a prompt without
    a text or with several.
    """
    images = candidate_images(item)
    text_path, text = _only(list(_texts(item.prompt, "prompt")), "text", "prompt")
    return [Pair(image, path, text, text_path) for path, image in images]


def text_pairs(item: Item) -> list[Pair]:
    """Return the pair of each candidate, for judges of texts: its text, and the prompt's image.

    The prompt's texts, such as an instruction, are not read. Raises `ItemError` PAIR_EXPECTED for a
    candidate without a text or with several, or a prompt without an image or with several.
    """
    if not item.candidates:
        return []
    image_path, image = _only(list(_images(item.prompt, "prompt")), "image", "prompt")
    found = []
    for index, candidate in enumerate(item.candidates):
        path = f"candidates[{index}].parts"
        text_path, text = _only(list(_texts(candidate.parts, path)), "text", path)
        found.append(Pair(image, image_path, text, text_path))
    return found


def candidate_images(item: Item) -> list[tuple[str, EncodedImage | PixelImage]]:
    """Return path and image of each candidate, whatever else it and the prompt hold.

    Raises `ItemError` IMAGE_EXPECTED for a candidate without an image or with several.
    """
    found = []
    for index, candidate in enumerate(item.candidates):
        path = f"candidates[{index}].parts"
        images = list(_images(candidate.parts, path))
        if len(images) != 1:
            raise invalid("IMAGE_EXPECTED", f"{len(images)} images, expected one to judge", path)
        found += images
    return found


def reference_texts(item: Item) -> list[tuple[str, str]]:
    """Return path and text of each reference; images in them are not read.

    Raises `ItemError` REFERENCE_EXPECTED for an item without references, or for one without a text
    or with several.
    """
    if not item.references:
        raise invalid("REFERENCE_EXPECTED", "none, expected at least one caption", "references")
    found = []
    for index, parts in enumerate(item.references):
        path = f"references[{index}].parts"
        texts = list(_texts(parts, path))
        if len(texts) != 1:
            raise invalid("REFERENCE_EXPECTED", f"{len(texts)} texts, expected one", path)
        found += texts
    return found


async def located(path: str, outcome: Awaitable[T]) -> T:
    """Await, putting `path` before the field of an `ItemError`."""
    try:
        return await outcome
    except ItemError as error:
        raise error.at(path) from error


def _pair(item: Item, index: int) -> Pair:
    path = f"candidates[{index}].parts"
    parts = item.candidates[index].parts
    images, texts = list(_images(parts, path)), list(_texts(parts, path))
    if len(images) == 1 and not texts:
        image, text = images[0], _only(list(_texts(item.prompt, "prompt")), "text", "prompt")
    elif len(texts) == 1 and not images:
        image, text = _only(list(_images(item.prompt, "prompt")), "image", "prompt"), texts[0]
    else:
        raise invalid(
            "PAIR_EXPECTED",
            f"{len(images)} images and {len(texts)} texts, expected one image (judged against the "
            "prompt's text) or one text (judged against the prompt's image)",
            path,
        )
    return Pair(image[1], image[0], text[1], text[0])


def _only(found: list[tuple[str, T]], what: str, path: str) -> tuple[str, T]:
    if len(found) != 1:
        raise invalid("PAIR_EXPECTED", f"{len(found)} {what}s, expected one", path)
    return found[0]


def _texts(parts: Sequence[Part], path: str) -> Iterator[tuple[str, str]]:
    for i, part in enumerate(parts):
        if isinstance(part, str):
            yield f"{path}[{i}].text", part


def _images(parts: Sequence[Part], path: str) -> Iterator[tuple[str, EncodedImage | PixelImage]]:
    for i, part in enumerate(parts):
        if isinstance(part, EncodedImage | PixelImage):
            yield f"{path}[{i}].image", part
        elif not isinstance(part, str):
            raise invalid(
                "IMAGE_UNRESOLVED", f"{part}: not read by this host", f"{path}[{i}].image"
            )
