"""Prompts and completions as trainers hold them, plain or as chat messages, as parts of an item."""

from collections.abc import Mapping, Sequence
from typing import Any

from mmjudge.contract import Image, Part
from mmjudge.rl.images import to_images

_EXPECTED = "expected a str, or chat messages [{'role': ..., 'content': ...}, ...]"
_IMAGE_KEYS = ("image", "image_url", "url", "path", "base64")


def completion_parts(completion: object, where: str) -> tuple[Part, ...]:
    """Return what the policy wrote: one text, which may be empty, and images if it made any.

    completion: a str as it is; or chat messages, of which the assistant's count, their texts
        joined by blank lines. Contents are a str, or a list of {"type": "text", "text": ...} and
        {"type": "image", "image": ...}; None, as beside tool calls, is the empty text.
    Raises TypeError or ValueError naming `where` for anything else.
    """
    if isinstance(completion, str):
        return (completion,)
    spoken = [
        parts for role, parts in _messages(completion, where) if role in ("assistant", "model")
    ]
    if not spoken:
        raise ValueError(f"{where}: no message of role 'assistant' among the completion's")
    return (_joined(spoken), *(part for parts in spoken for part in parts if not _is_text(part)))


def prompt_parts(prompt: object, where: str) -> tuple[tuple[Image, ...], str]:
    """Return the images in a prompt and its text, "" for None.

    prompt: a str; or chat messages, less the system's, which instruct the policy and not the
        judge. One message is its text; several keep who spoke: "user: ...", "assistant: ...",
        a blank line between them. Images that are only placeholders, `{"type": "image"}`, are
        left out: the trainer holds the pictures elsewhere.
    Raises TypeError or ValueError naming `where` for anything else.
    """
    if prompt is None or isinstance(prompt, str):
        return (), prompt or ""
    heard = [
        (role, parts)
        for role, parts in _messages(prompt, where)
        if role not in ("system", "developer")
    ]
    images = tuple(part for _, parts in heard for part in parts if not isinstance(part, str))
    if len(heard) == 1:
        return images, _joined([heard[0][1]])
    return images, "\n\n".join(f"{role}: {_joined([parts])}" for role, parts in heard)


def _messages(messages: object, where: str) -> list[tuple[str, list[Part]]]:
    if isinstance(messages, Mapping):
        messages = [messages]
    if not isinstance(messages, Sequence) or isinstance(messages, bytes | bytearray):
        raise TypeError(f"{where} is a {type(messages).__name__}, {_EXPECTED}")
    found = []
    for i, message in enumerate(messages):
        place = f"{where}[{i}]"
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise TypeError(f"{place} is {message!r:.60}, {_EXPECTED}")
        found.append((message["role"], _contents(message.get("content"), f"{place}['content']")))
    return found


def _contents(content: Any, where: str) -> list[Part]:
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    if not isinstance(content, Sequence):
        raise TypeError(f"{where} is a {type(content).__name__}, expected a str or a list of parts")
    return [part for i, piece in enumerate(content) for part in _part(piece, f"{where}[{i}]")]


def _part(piece: Any, where: str) -> list[Part]:
    if isinstance(piece, str):
        return [piece]
    if isinstance(piece, Mapping):
        kind = piece.get("type")
        if kind == "text" or (kind is None and piece.get("text") is not None):
            return [_text(piece.get("text"), where)]
        if kind in ("image", "image_url", "input_image", None):
            found = [piece[key] for key in _IMAGE_KEYS if piece.get(key) is not None]
            return [*to_images(found[0], where)] if found else []
    raise TypeError(f"{where} is {piece!r:.60}, expected a part of type 'text' or 'image'")


def _text(text: Any, where: str) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{where}['text'] is a {type(text).__name__}, expected a str")
    return text


def _joined(messages: Sequence[Sequence[Part]]) -> str:
    texts = ["".join(part for part in parts if isinstance(part, str)) for parts in messages]
    return "\n\n".join(text for text in texts if text)


def _is_text(part: Part) -> bool:
    return isinstance(part, str)
