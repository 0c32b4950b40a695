"""Samples of language-model trainers: prompt, response and label, made into items."""

from collections.abc import Iterator, Sequence

from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.server.http.images import referenced_image
from mmjudge.server.http.nodes import Node


def text_item(prompt: Sequence[Part], response: str, label: Node | None) -> Item:
    """Return the item of one response.

    A label that is an image reference is the picture the response speaks of, and goes before the
    prompt; any other text is a reference answer; an empty or missing one is nothing.
    """
    image = referenced_image(label) if label else None
    parts = [*([] if image is None else [image]), *prompt]
    known = label.text() if label and image is None else ""
    return Item(parts, [Candidate([response])], [[known]] if known else [])


def prompt_parts(prompt: Node) -> list[Part]:
    """Read a prompt: a text, or chat messages whose contents are texts or lists of parts.

    Roles are not told to judges. Raises `InvalidRequest` naming what is neither text nor image.
    """
    if isinstance(prompt.value, str):
        return [prompt.text()] if prompt.value else []
    return [part for message in prompt.items() for part in _content(message.field("content"))]


def without_end(text: str, ends: Sequence[str]) -> str:
    """Return the text less those of `ends` that it ends with, again and again."""
    while end := next((end for end in ends if text.endswith(end)), ""):
        text = text.removesuffix(end)
    return text


def _content(content: Node) -> Iterator[Part]:
    if isinstance(content.value, str):
        yield from [content.text()] if content.value else []
        return
    for part in content.items():
        kind = part.field("type")
        if kind.value == "text":
            yield part.field("text").text()
        elif kind.value in ("image", "image_url"):
            yield _image(part.field(kind.value))
        else:
            raise kind.bad("expected 'text', 'image' or 'image_url'")


def _image(node: Node) -> Part:
    url = node.field("url") if isinstance(node.value, dict) else node
    image = referenced_image(url)
    if image is None:
        raise url.bad("expected data:image/...;base64,..., file:... or sha256:...")
    return image
