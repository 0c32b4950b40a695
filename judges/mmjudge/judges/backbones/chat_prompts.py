"""Conversations as the text that a model continues: a template's own words, and the data in it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from mmjudge.contract.errors import invalid
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Message, Question

# Stands for a text while the template is rendered: no template acts on what a text says.
MARK = "mmjudge{}text"
_MARK = re.compile(MARK.format(r"(\d+)"))
_LONE = re.compile("[\ud800-\udfff]")


class Piece(NamedTuple):
    """Part of a prompt, written by the template or, with `data`, taken from the conversation."""

    text: str
    data: bool


class ChatPrompts:
    """A processor's chat template, and what it shows of itself when rendered.

    between: what the template writes between and after turns.
    opening: what it writes before an assistant's words, beyond what asks for them (a space).
    ending: what it writes after them.
    """

    def __init__(self, processor: Any, what: str) -> None:
        """Raises `BackboneUnavailable`, which begins with `what`, for one that cannot be used."""
        self.template = _template(processor, what)
        self._processor, self._what = processor, what
        self.image_token: str = getattr(processor, "image_token", "")
        if not self.image_token:
            raise BackboneUnavailable(
                f"{what}: its processor, {type(processor).__name__}, has no image_token; expected "
                "one of a vision-language model with images in its chat template"
            )
        told, asked = Message("user", ("a",)), Message("assistant", ("b",))
        self._has_system = self._writes(Message("system", ("c",)), told)
        if not self._writes(told, asked, told):
            raise BackboneUnavailable(
                f"{what}: its chat template does not write the texts of a conversation between "
                "user and assistant; expected one that reads lists of parts"
            )
        turns = _split(self._render(_native([told, asked, told])), ["a", "b", "a"])
        self.between = tuple(piece.text for piece in turns[1:] if not piece.data)
        open_to, _, rest = self._render(_native([told, asked]), False).rpartition(MARK.format(1))
        invited = self._render(_native([told]))
        self.opening = open_to.removeprefix(invited) if open_to.startswith(invited) else ""
        self.ending = rest

    def pieces(self, question: Question) -> tuple[Piece, ...]:
        """Prompt of a conversation, ready for the model's answer.

        Images are the template's placeholders, in the order of the parts. Where the template would
        show them elsewhere than among their texts, they are written into the text as `image_token`.
        Raises `ItemError` CONVERSATION_UNSUPPORTED for one that the template cannot write.
        """
        messages = question.messages if self._has_system else _without_system(question.messages)
        texts = [_whole(part) for one in messages for part in one.parts if isinstance(part, str)]
        expected = _order(messages)
        for turns in (_native(messages), _inline(messages, self.image_token)):
            try:
                rendered = self._render(turns)
            except self._errors() as error:
                raise self._refused(str(error)) from error
            if self._order_of(rendered) == expected:
                return _split(rendered, [text.strip() for text in texts])
        raise self._refused("it leaves out texts or images")

    def _writes(self, *messages: Message) -> bool:
        try:
            return self._order_of(self._render(_native(messages))) == _order(messages)
        except self._errors():
            return False

    def _render(self, turns: list[dict[str, Any]], generation: bool = True) -> str:
        rendered: str = self._processor.apply_chat_template(
            turns, chat_template=self.template, tokenize=False, add_generation_prompt=generation
        )
        return rendered

    def _order_of(self, rendered: str) -> list[str]:
        shown = re.finditer(f"{_MARK.pattern}|{re.escape(self.image_token)}", rendered)
        return [found[1] or "image" for found in shown]

    def _refused(self, why: str) -> Exception:
        return invalid(
            "CONVERSATION_UNSUPPORTED", f"the chat template of {self._what} cannot write it: {why}"
        )

    @staticmethod
    def _errors() -> tuple[type[Exception], ...]:
        from jinja2 import TemplateError

        return (TemplateError, KeyError, TypeError, ValueError)


def joined(pieces: Iterable[Piece]) -> str:
    """The prompt that pieces make."""
    return "".join(piece.text for piece in pieces)


def marked(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """The same conversation with innocuous texts."""
    return tuple(Piece(MARK.format(0), True) if piece.data else piece for piece in pieces)


def _template(processor: Any, what: str) -> str:
    found = getattr(processor, "chat_template", None) or processor.tokenizer.chat_template
    if isinstance(found, dict):
        found = found.get("default")
    if not found:
        raise BackboneUnavailable(
            f"{what} has no chat template, so nothing says how it is to be asked: take a model "
            "tuned for instructions, or put its chat_template.jinja into a folder with its files"
        )
    return str(found)


def _order(messages: Iterable[Message]) -> list[str]:
    order, count = [], 0
    for part in (part for message in messages for part in message.parts):
        if not isinstance(part, str):
            order.append("image")
        else:
            order += [str(count)] if part.strip() else []
            count += 1
    return order


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """System messages as the beginning of the first user's turn."""
    told = [message for message in messages if message.role == "system"]
    kept = [message for message in messages if message.role != "system"]
    first = next((i for i, one in enumerate(kept) if one.role == "user"), None)
    rules = [part for one in told for part in (*one.parts, "\n\n")]
    if first is None:
        return [Message("user", tuple(rules)), *kept] if rules else kept
    kept[first] = Message("user", (*rules, *kept[first].parts))
    return kept


def _native(messages: Iterable[Message]) -> list[dict[str, Any]]:
    """Turns with a list of parts each; texts marked."""
    parts = _marks(messages, {"type": "image"})
    return [{"role": role, "content": list(content)} for role, content in parts]


def _inline(messages: Iterable[Message], image_token: str) -> list[dict[str, Any]]:
    """Turns of one text each, images in it on lines of their own."""
    parts = _marks(messages, {"type": "text", "text": image_token})
    return [
        {
            "role": role,
            "content": [{"type": "text", "text": "\n".join(part["text"] for part in content)}],
        }
        for role, content in parts
    ]


def _marks(
    messages: Iterable[Message], image: dict[str, str]
) -> list[tuple[str, list[dict[str, str]]]]:
    turns: list[tuple[str, list[dict[str, str]]]] = []
    count = 0
    for message in messages:
        content = []
        for part in message.parts:
            if isinstance(part, str):
                content.append({"type": "text", "text": _marked(part, count)})
                count += 1
            else:
                content.append(image)
        turns.append((message.role, content))
    return turns


def _marked(text: str, index: int) -> str:
    """A mark in place of the text, with the space around it, which templates may trim."""
    core = text.strip()
    if not core:
        return text
    start = text.index(core)
    return text[:start] + MARK.format(index) + text[start + len(core) :]


def _split(rendered: str, texts: Sequence[str]) -> tuple[Piece, ...]:
    """The template's words, and in place of marks the texts."""
    pieces = []
    for index, part in enumerate(_MARK.split(rendered)):  # words, number, words, ...
        text = texts[int(part)] if index % 2 else part
        if text:
            pieces.append(Piece(text, bool(index % 2)))
    return tuple(pieces)


def _whole(text: str) -> str:
    """Lone surrogates, which no tokenizer takes, become U+FFFD."""
    return _LONE.sub("\ufffd", text)
