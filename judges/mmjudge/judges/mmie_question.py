"""An item in the words and order in which MMIE-Score reads it."""

import re
from collections.abc import Iterable, Iterator

from mmjudge.contract.errors import invalid
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Item, Part
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.generator import Message, Question, Shown
from mmjudge.judges.mmie_prompts import CATEGORIES, MmiePrompts
from mmjudge.judges.prompting.questions import Asked

PLACEHOLDER = re.compile(r"\{(question|answer|gt_answer)\}")
WITH_REFERENCE = "MSR"


def ask_mmie(item: Item, index: int, prompts: MmiePrompts) -> tuple[Asked, tuple[Note, ...]]:
    """The question about candidate `index`, and what of the item is not in it.

    Each text is a line; each image is introduced as `Image-n`, counted from 0 through prompt and
    candidate.

    Raises `ItemError`: CATEGORY_EXPECTED, REFERENCE_EXPECTED where the category shows one and the
    first reference has no text, IMAGE_UNRESOLVED.
    """
    category = _category(item)
    notes: tuple[Note, ...] = ()
    values: dict[str, list[Shown]] = {}
    if category == WITH_REFERENCE:
        reference, notes = _reference(item)
        values["gt_answer"] = [reference]
    paths: list[str] = []
    candidate = item.candidates[index]
    values["question"] = list(_lines(item.prompt, "prompt", paths))
    values["answer"] = list(_lines(candidate.parts, f"candidates[{index}].parts", paths))
    shown: list[Shown] = []
    for place, piece in enumerate(PLACEHOLDER.split(prompts.templates[category])):
        shown += values[piece] if place % 2 else [piece]
    messages = (Message("system", (prompts.message,)), Message("user", tuple(shown)))
    asked = Asked(Question(messages), (index,), f"candidates[{index}]", tuple(paths), ())
    return asked, notes


def _category(item: Item) -> str:
    category = item.attributes.get("category", "")
    if category not in CATEGORIES:
        raise invalid(
            "CATEGORY_EXPECTED",
            f"{category!r}, expected one of {', '.join(CATEGORIES)}: storytelling (SA), "
            "instructions (PBL), mathematics (MSR)",
            "attributes.category",
        )
    return category


def _reference(item: Item) -> tuple[str, tuple[Note, ...]]:
    parts = item.references[0] if item.references else ()
    texts = [part for part in parts if isinstance(part, str)]
    if not any(text.strip() for text in texts):
        raise invalid(
            "REFERENCE_EXPECTED",
            f"none with a text, expected the right answer, which category {WITH_REFERENCE} shows",
            "references",
        )
    if len(item.references) == 1 and len(texts) == len(parts):
        return "\n".join(texts), ()
    message = "of the references, only the texts of the first are shown, as published"
    return "\n".join(texts), (Note("REFERENCE_UNREAD", message, "references"),)


def _lines(parts: Iterable[Part], path: str, paths: list[str]) -> Iterator[Shown]:
    for place, part in enumerate(parts):
        if isinstance(part, str):
            yield f"{part}\n"
        elif isinstance(part, EncodedImage | PixelImage):
            yield f"Image-{len(paths)}: "
            paths.append(f"{path}[{place}].image")
            yield part
            yield "\n"
        else:
            raise invalid(
                "IMAGE_UNRESOLVED", f"{part}: not read by this host", f"{path}[{place}].image"
            )
