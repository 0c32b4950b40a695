"""What a template needs of an item, and what is said where it is not there."""

from collections.abc import Sequence

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Item, Part
from mmjudge.judges.backbones.generator import Shown
from mmjudge.judges.prompting.template import Template

Placed = tuple[str, Shown]
"""A part of an item after its path."""


def check_needs(template: Template, item: Item, shown: Sequence[int]) -> None:
    """Raise `ItemError` where the item lacks what a question about candidates `shown` must hold.

    IMAGE_EXPECTED, TEXT_EMPTY or REFERENCE_EXPECTED, with the path of what is missing.
    """
    if "prompt image" in template.needs and not _images(placed(item.prompt, "prompt")):
        raise invalid("IMAGE_EXPECTED", "no image, expected one to be judged by", "prompt")
    if "prompt text" in template.needs:
        _need_text(placed(item.prompt, "prompt"), "prompt")
    for index in shown:
        path = f"candidates[{index}].parts"
        parts = placed(item.candidates[index].parts, path)
        if "candidate image" in template.needs and (count := len(_images(parts))) != 1:
            raise invalid("IMAGE_EXPECTED", f"{count} images, expected one to judge", path)
        if "candidate text" in template.needs:
            _need_text(parts, path)
    if template.shows("reference"):
        _need_reference(item)


def placed(parts: Sequence[Part], path: str) -> list[Placed]:
    """Path and content of each part, blank texts left out.

    Raises `ItemError` IMAGE_UNRESOLVED for an image named instead of carried.
    """
    found: list[Placed] = []
    for i, part in enumerate(parts):
        if isinstance(part, str):
            found += [(f"{path}[{i}].text", part)] if part.strip() else []
        elif isinstance(part, EncodedImage | PixelImage):
            found.append((f"{path}[{i}].image", part))
        else:
            told = f"{part}: not read by this host"
            raise invalid("IMAGE_UNRESOLVED", told, f"{path}[{i}].image")
    return found


def _images(parts: Sequence[Placed]) -> list[Placed]:
    return [part for part in parts if not isinstance(part[1], str)]


def _need_text(parts: Sequence[Placed], path: str) -> None:
    if not any(isinstance(part, str) for _, part in parts):
        raise _no_text(path)


def _no_text(path: str) -> ItemError:
    return invalid("TEXT_EMPTY", "no text, or none but blanks; expected words", path)


def _need_reference(item: Item) -> None:
    if not item.references:
        raise invalid("REFERENCE_EXPECTED", "none, expected one to compare with", "references")
    for index, parts in enumerate(item.references):
        path = f"references[{index}].parts"
        if not placed(parts, path):
            raise invalid("REFERENCE_EXPECTED", "nothing in it, expected words or an image", path)
