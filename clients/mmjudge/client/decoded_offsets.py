"""Which characters of its text each token id stands for, found by decoding more and more of them.

Where offsets are gone, as for sampled completions, only the tokenizer's decoder knows; encoding
the text anew may give other tokens than those that were sampled.
"""

from collections.abc import Sequence
from os.path import commonprefix
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

# Tokens decoded at once: enough for what decoders do at word boundaries, few enough to be quick.
WINDOW = 16


class Tokenizer(Protocol):
    """What turns ids into text: a Hugging Face tokenizer, `tokenizers.Tokenizer`, tiktoken, ..."""

    def decode(self, ids: Sequence[int], /) -> Any:
        """Return the text of `ids`."""
        ...


def decoded_offsets(ids: Sequence[int], text: str, tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Return int64 `[tokens, 2]`, the characters of `text` that each id stands for.

    A token that ends within a character shares it with those that complete it; a special token
    that decoding skips covers nothing.

    `text` is what the tokenizer decodes `ids` to, with or without special tokens; raises
    ValueError, saying where they part, for any other.
    """
    values = list(ids)
    prefixes = _Prefixes(values, text, _Decoder(values, text, tokenizer))
    offsets = np.zeros((len(values), 2), np.int64)
    reached = 0
    for place in range(len(values)):
        start = reached
        certain, whole = prefixes.up_to(place + 1)
        reached = max(reached, certain)
        # Unless its text is whole, the token has a part of the next character.
        offsets[place] = start, reached if whole else min(reached + 1, len(text))
    return offsets


class _Prefixes:
    """How far into `text` the first tokens reach, decoding a window of them at a time."""

    def __init__(self, ids: list[int], text: str, decode: "_Decoder") -> None:
        self._ids, self._text, self._decode = ids, text, decode
        # Tokens before `_settled` make the text before `_settled_at`, and those from `_anchor` on
        # decode to `_known`: context, because decoders treat the first token in their own way.
        self._anchor = self._settled = self._settled_at = 0
        self._known = ""
        self._in_windows = True

    def up_to(self, count: int) -> tuple[int, bool]:
        """Return the characters that the first `count` tokens make, and whether that is all."""
        if count - self._settled > WINDOW and self._in_windows:
            # What this tokenizer decodes in windows is not what it decodes as a whole.
            self._in_windows = False
            self._anchor = self._settled_at = 0
            self._known = ""
        window = self._decode(self._ids[self._anchor : count])
        # Some decoders take back what they made of a character's bytes until the next is whole.
        piece = window.removeprefix(self._known) if window.startswith(self._known) else ""
        if piece or self._decode.skips(self._ids[count - 1]):
            if self._text.startswith(piece, self._settled_at):
                self._settle(count, window, piece)
                return self._settled_at, True
        if count == len(self._ids):
            return len(self._text), True
        rest = self._text[self._settled_at : self._settled_at + len(piece)]
        return self._settled_at + len(commonprefix([piece, rest])), False

    def _settle(self, count: int, window: str, piece: str) -> None:
        before = self._settled
        self._settled, self._known = count, window
        self._settled_at += len(piece)
        if self._in_windows and count - self._anchor > WINDOW:
            context = self._decode(self._ids[before:count])
            if context.strip():  # else the next token would be the first with text
                self._anchor, self._known = before, context


class _Decoder:
    """Decodes with or without special tokens, whichever gives `text`; ValueError if neither."""

    def __init__(self, ids: list[int], text: str, tokenizer: Tokenizer) -> None:
        self._decode: Any = tokenizer.decode
        self._options: dict[str, bool] = {}
        found = []
        for options in self._ways(ids):
            found.append(self._decode(ids, **options))
            if found[-1] == text:
                self._options = options
                return
        nearest = max(found, key=lambda other: len(commonprefix([other, text])))
        place = len(commonprefix([nearest, text]))
        raise ValueError(
            f"the ids decode to another text, which parts from it at character {place}: "
            f"{_from(nearest, place)} from the ids, {_from(text, place)} in the text; expected "
            "tokenizer.decode(ids) as it is, neither stripped nor cut"
        )

    def __call__(self, ids: list[int]) -> str:
        text: str = self._decode(ids, **self._options)
        return text

    def skips(self, token: int) -> bool:
        """Return whether `token` is a special one, whose text is left out."""
        if not self._options.get("skip_special_tokens"):
            return False
        return not self([token]) and bool(self._decode([token], skip_special_tokens=False))

    def _ways(self, ids: list[int]) -> list[dict[str, bool]]:
        try:
            self._decode(ids, skip_special_tokens=True)
        except TypeError:  # not a tokenizer of Hugging Face's
            return [{}]
        return [{"skip_special_tokens": skip} for skip in (True, False)]


def _from(text: str, place: int) -> str:
    return repr(text[place : place + 20]) if place < len(text) else "its end"
