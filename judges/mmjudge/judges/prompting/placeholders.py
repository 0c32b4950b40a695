"""Placeholders of a template's text: which there are, and which a text may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from string import Formatter
from types import MappingProxyType
from typing import Literal

from mmjudge.contract.errors import SetupError

Arity = Literal["single", "pair", "list"]

# What shows the candidates, by how many of them one question shows.
SHOWING: Mapping[Arity, tuple[str, ...]] = MappingProxyType(
    {
        "single": ("candidate",),
        "pair": ("candidate_1", "candidate_2"),
        "list": ("candidates",),
    }
)
OTHERS = ("prompt", "reference", "task", "criteria", "scale")
KNOWN = (*(name for names in SHOWING.values() for name in names), *OTHERS)


class TemplateError(SetupError, ValueError):
    """A template cannot be used; the message names file and key, and what was expected."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a template's own words, and the placeholder after it; empty for none."""

    words: str
    placeholder: str


def pieces(text: str, key: str, arity: Arity) -> tuple[Piece, ...]:
    """Cut a text at its placeholders: `{name}`; `{{` and `}}` stand for braces.

    Raises `TemplateError`, naming `key`, for a placeholder that is unknown, that belongs to another
    arity, or that is more than a name.
    """
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"{key}: {error}; write {{{{ and }}}} for braces") from error
    found = []
    for words, name, form, conversion in parsed:
        if name is not None:
            if form or conversion or not name.isidentifier():
                told = "expected a name alone; write {{ and }} for braces"
                raise TemplateError(f"{key}: placeholder {{{name}}}: {told}")
            _check(name, key, arity)
        found.append(Piece(words, name or ""))
    return tuple(found)


def _check(name: str, key: str, arity: Arity) -> None:
    allowed = (*SHOWING[arity], *OTHERS)
    if name in allowed:
        return
    if name in KNOWN:
        told = f"has no place with images = {arity!r}, which has"
        expected = " and ".join(f"{{{one}}}" for one in SHOWING[arity])
        raise TemplateError(f"{key}: placeholder {{{name}}} {told} {expected}")
    raise TemplateError(f"{key}: unknown placeholder {{{name}}}; {nearest(name, allowed)}")


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Say which of `known` was probably meant, or list them."""
    close = get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}"
