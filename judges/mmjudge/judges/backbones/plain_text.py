"""Control tokens written in a text, which a tokenizer would take for its own, made plain text."""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from typing import Any

from tokenizers import Tokenizer

from mmjudge.contract.errors import invalid
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.chat_prompts import Piece, joined, marked
from mmjudge.judges.backbones.errors import BackboneUnavailable

NEUTRALISED = Note(
    "CONTROL_TOKENS_NEUTRALISED",
    "a text held what the model takes for control tokens, turns or images: a space was put into "
    "each",
)
PASSES = 64


class PlainText:
    """A tokenizer that says which of its control tokens a prompt's data would become.

    Control are all added tokens but those of space alone, the placeholders that a processor looks
    for, and the words with punctuation that a template marks turns with (`USER:`, `[/INST]`).
    added: the added tokens that are control.
    digest: of everything that decides the ids.
    """

    def __init__(self, tokenizer: Any, placeholders: Iterable[str], between: Iterable[str]) -> None:
        """Copy the tokenizer, a fast one; `between` is what a template writes between turns.

        Raises `BackboneUnavailable` if it is not backed by tokenizers.
        """
        if not hasattr(tokenizer, "backend_tokenizer"):
            raise BackboneUnavailable(
                f"tokenizer {type(tokenizer).__name__}: expected one backed by tokenizers "
                "(tokenizer.json), which tells where in a text its tokens are"
            )
        state = json.loads(tokenizer.backend_tokenizer.to_str())
        state["truncation"] = state["padding"] = None
        settings = json.dumps(state, sort_keys=True)
        self.digest = sha256(settings.encode()).hexdigest()[:16]
        self._backend = Tokenizer.from_str(settings)
        added = {
            number: token.content
            for number, token in self._backend.get_added_tokens_decoder().items()
            if len(token.content.replace("▁", " ").strip()) > 1
        }
        # What the vocabulary lacks becomes the unknown token: no control, unless it is written out.
        unknown = _unknown(state["model"])
        self.added = tuple(added.values())
        self._controls = frozenset(number for number, text in added.items() if text != unknown)
        words = {*added.values(), *placeholders}
        turns = {word for text in between for word in _words(text, words)}
        written = sorted({*words, *turns}, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, written)))

    def encode(self, text: str) -> list[int]:
        """Ids without the special tokens that a tokenizer puts around a text."""
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def controls(self, ids: Iterable[int]) -> list[int]:
        """The control tokens among ids, in order."""
        return [number for number in ids if number in self._controls]

    def neutralise(self, pieces: Sequence[Piece]) -> tuple[Piece, ...]:
        """Put a space into every control token that data is part of, until there is none.

        It goes after the first character, or before the last where the first is a letter or digit:
        `<image>` becomes `< image>`, `USER:` becomes `USER :`. Raises `ItemError` CONTROL_TOKENS if
        that does not help, and the prompt's control tokens are not those of innocuous texts.
        """
        plain = tuple(pieces)
        for _ in range(PASSES):
            cuts = set(self._cuts(plain))
            if not cuts:
                break
            plain = tuple(_spaced(plain, cuts))
        found = self.controls(self.encode(joined(plain)))
        if cuts or found != self.controls(self.encode(joined(marked(plain)))):
            raise not_plain()
        return plain

    def _cuts(self, pieces: Sequence[Piece]) -> Iterator[int]:
        """Positions in the prompt where a space takes a control token apart."""
        prompt = joined(pieces)
        data = list(_places(pieces))
        for start, end in self._spans(prompt):
            found = prompt[start:end]
            start += len(found) - len(found.lstrip())  # tokens may swallow the space around them
            end -= len(found) - len(found.rstrip())
            inside = end - 1 if prompt[start : start + 1].isalnum() else start + 1
            touched = next((place for place in data if place[0] < end and place[1] > start), None)
            if touched:
                yield min(max(inside, touched[0]), touched[1])

    def _spans(self, prompt: str) -> Iterator[tuple[int, int]]:
        encoded = self._backend.encode(prompt, add_special_tokens=False)
        for number, span in zip(encoded.ids, encoded.offsets, strict=True):
            if number in self._controls:
                yield span
        for found in self._pattern.finditer(prompt):
            yield found.span()


def not_plain() -> Exception:
    """The `ItemError` of texts that would reach the model as control tokens."""
    return invalid(
        "CONTROL_TOKENS",
        "a text holds control tokens of the model that cannot be made plain text: remove what "
        "looks like <image> or <|im_start|> from it",
    )


def _unknown(model: dict[str, Any]) -> str | None:
    """The unknown token of a serialised tokenizer's model, if it has one."""
    index = model.get("unk_id")
    return model.get("unk_token") if index is None else str(model["vocab"][index][0])


def _words(text: str, controls: Iterable[str]) -> list[str]:
    """Words with punctuation, not of it alone, in what a template writes beside control tokens."""
    for control in sorted(controls, key=len, reverse=True):
        text = text.replace(control, " ")
    named = [word for word in text.split() if any(map(str.isalnum, word))]
    return [word for word in named if len(word) > 2 and not word.isalnum()]


def _places(pieces: Iterable[Piece]) -> Iterator[tuple[int, int]]:
    start = 0
    for piece in pieces:
        if piece.data:
            yield start, start + len(piece.text)
        start += len(piece.text)


def _spaced(pieces: Iterable[Piece], cuts: Iterable[int]) -> Iterator[Piece]:
    """Pieces with a space at each of the cuts, all of which are in or at the ends of data."""
    left, start = sorted(cuts), 0
    for text, data in pieces:
        end = start + len(text)
        if data:
            inside = left[bisect_left(left, start) : bisect_right(left, end)]
            left = left[bisect_right(left, end) :]
            parts = [text[a - start : b - start] for a, b in pairwise([start, *inside, end])]
            text = " ".join(parts)
        yield Piece(text, data)
        start = end
