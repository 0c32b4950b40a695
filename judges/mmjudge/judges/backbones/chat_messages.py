"""Questions as the messages of the chat-completions protocol."""

from itertools import groupby
from typing import Any, NamedTuple

from mmjudge.contract.errors import ItemError
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.chat_control_tokens import NEUTRALISED, neutralise
from mmjudge.judges.backbones.chat_images import data_url
from mmjudge.judges.backbones.generator import Message, Question


class ChatMessages(NamedTuple):
    """What is sent of a question, and what was done to it."""

    messages: list[dict[str, Any]]
    notes: tuple[Note, ...]


def chat_messages(question: Question) -> ChatMessages:
    """Turn a question into messages: text harmless, images as data URLs.

    Slow where there are images: not for the event loop. Raises `ItemError` for a broken image,
    its field `images[i]`.
    """
    notes: list[Note] = []
    urls: list[str] = []
    for i, image in enumerate(question.images):
        try:
            url, found = data_url(image)
        except ItemError as error:
            raise error.at(f"images[{i}]") from error
        urls.append(url)
        notes += [note.at(f"images[{i}]") for note in found]
    left = iter(urls)
    messages: list[dict[str, Any]] = []
    for message in question.messages:
        parts: list[dict[str, Any]] = []
        for part in _joined(message):
            if part is None:
                parts.append({"type": "image_url", "image_url": {"url": next(left)}})
                continue
            text = neutralise(part)
            if text != part and NEUTRALISED not in notes:
                notes.append(NEUTRALISED)
            parts.append({"type": "text", "text": text})
        # Servers of models without images read strings only, and all servers read those.
        alone = len(parts) == 1 and parts[0]["type"] == "text"
        messages.append({"role": message.role, "content": parts[0]["text"] if alone else parts})
    return ChatMessages(messages, tuple(notes))


def _joined(message: Message) -> list[str | None]:
    """Texts in a row as one, None for an image: templates join them, and so could make a token."""
    joined: list[str | None] = []
    for is_text, parts in groupby(message.parts, lambda part: isinstance(part, str)):
        if is_text:
            joined.append("".join(part for part in parts if isinstance(part, str)))
        else:
            joined += [None for _ in parts]
    return joined
