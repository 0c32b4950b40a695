"""Questions to a generator, from a template and an item, and where in the item their parts are."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mmjudge.contract.errors import ItemError, join_path
from mmjudge.contract.items import Item
from mmjudge.contract.verdicts import Note
from mmjudge.judges.answers.answer import Scale
from mmjudge.judges.backbones.generator import Message, Question, Shown
from mmjudge.judges.prompting.fencing import RULE, fenced
from mmjudge.judges.prompting.needs import Placed, check_needs, placed
from mmjudge.judges.prompting.template import Template

IMAGE = re.compile(r"images\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about some of an item's candidates.

    shown: the candidates' places in the item, in the order shown.
    path: what it is about as a whole, from the item; image_paths: where its images came from.
    quoted: the item's texts in it, which are not the model's even where it repeats them.
    """

    question: Question
    shown: tuple[int, ...]
    path: str
    image_paths: tuple[str, ...]
    quoted: tuple[str, ...]

    def located(self, error: ItemError) -> ItemError:
        """The error with the path of the image at fault, or of what was asked about."""
        return ItemError(replace(error.error, field=self._path(error.error.field)))

    def noted(self, note: Note) -> Note:
        """The note with the path of the image it is about, or of what was asked about."""
        return replace(note, field=self._path(note.field))

    def _path(self, field: str) -> str:
        if match := IMAGE.match(field):
            return join_path(self.image_paths[int(match[1])], field[match.end() :].lstrip("."))
        return join_path(self.path, field)


def ask_about(
    template: Template, item: Item, shown: tuple[int, ...], criteria: Sequence[str] = ()
) -> Asked:
    """The question about candidates `shown`, by `criteria` or, without any, by all.

    Raises `ItemError` as `check_needs`.
    """
    check_needs(template, item, shown)
    page = _Page(template)
    for piece in template.pieces:
        page.write(piece.words)
        match piece.placeholder:
            case "prompt":
                page.show(placed(item.prompt, "prompt"), "prompt", "text")
            case "reference":
                for i, parts in enumerate(item.references):
                    page.show(placed(parts, f"references[{i}].parts"), "reference", "")
            case "candidate" | "candidate_1":
                page.candidate(item, shown[0], "candidate" if len(shown) == 1 else "candidate 1")
            case "candidate_2":
                page.candidate(item, shown[1], "candidate 2")
            case "candidates":
                for number, index in enumerate(shown, 1):
                    page.write(("\n" if number > 1 else "") + f"Candidate {number}:\n")
                    page.candidate(item, index, f"candidate {number}")
            case "task":
                page.write(template.task)
            case "criteria":
                page.write(_list(template, criteria or tuple(template.criteria)))
            case "scale" if template.scale:
                page.write(_words(template.scale))
    path = f"candidates[{shown[0]}]" if len(shown) == 1 else "candidates"
    return Asked(page.question(), shown, path, tuple(page.paths), tuple(page.quoted))


class _Page:
    """A message being written."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._parts: list[Shown] = []
        self._fence_ended = False
        self.paths: list[str] = []
        self.quoted: list[str] = []
        if template.fence:
            self.write(f"{RULE}\n\n")

    def write(self, text: str) -> None:
        if self._fence_ended and text and not text.startswith("\n"):
            text = "\n" + text
        self._fence_ended = self._fence_ended and not text
        if self._parts and isinstance(last := self._parts[-1], str):
            self._parts[-1] = last + text
        elif text:
            self._parts.append(text)

    def candidate(self, item: Item, index: int, title: str) -> None:
        parts = placed(item.candidates[index].parts, f"candidates[{index}].parts")
        self.show(parts, title, "image")

    def show(self, parts: Sequence[Placed], title: str, published: str) -> None:
        """Write parts; of a published template those alone that it reads, `text` or `image`."""
        for path, part in parts:
            if self._template.published and isinstance(part, str) != (published == "text"):
                continue
            if not isinstance(part, str):
                self._parts.append(part)
                self._fence_ended = False
                self.paths.append(path)
                continue
            self.quoted.append(part)
            if self._template.fence:
                self._fence(part, title)
            else:
                self.write(part)

    def _fence(self, text: str, title: str) -> None:
        """Write a text between boundaries, which have their lines to themselves."""
        before = self._parts[-1] if self._parts else ""
        if isinstance(before, str) and before and not before.endswith("\n"):
            self.write("\n")
        self.write(fenced(text, title))
        self._fence_ended = True

    def question(self) -> Question:
        system = self._template.system
        messages = [Message("system", (system,))] if system else []
        return Question((*messages, Message("user", tuple(self._parts))))


def _list(template: Template, names: Sequence[str]) -> str:
    return "\n".join(f"- {name.replace('_', ' ')}: {template.criteria[name]}" for name in names)


def _words(scale: Scale) -> str:
    if scale.words:
        return f"one of these words, from worst to best: {', '.join(scale.words)}"
    return f"a whole number from {scale.low} (worst) to {scale.high} (best)"
