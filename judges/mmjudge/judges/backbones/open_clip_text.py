"""Tokenization as open_clip does it, uncut and with control tokens as plain text."""

import copy
from collections.abc import Sequence
from typing import Any, Protocol

import regex  # type: ignore[import-untyped]
from tokenizers.models import BPE

from mmjudge.judges.backbones.cleaned_text import characters_before_cleaning
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.transformers_text import PlainTokenizer


class OpenClipText(Protocol):
    """How an open_clip model reads a text."""

    context_length: int
    pad_id: int
    endings: int
    """How many special tokens end every text."""
    description: str
    """Everything that decides the ids, in a line."""
    libraries: Sequence[str]

    def ids(self, text: str) -> list[int]:
        """All ids of a text, special tokens included."""

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        """Characters of each of `ids(text)`, equal ends for special tokens.

        None where cleaning changed the number of words, or the tokenizer cannot tell.
        """


def open_clip_text(tokenizer: Any) -> OpenClipText:
    """Adapt what `open_clip.get_tokenizer` returned; raises `BackboneUnavailable` if unknown."""
    from open_clip.tokenizer import HFTokenizer, SimpleTokenizer

    if isinstance(tokenizer, SimpleTokenizer) and tokenizer.reduction_fn is None:
        return _SimpleText(tokenizer)
    if isinstance(tokenizer, HFTokenizer) and not tokenizer.tokenizer_mode:
        return _HubText(tokenizer)
    raise BackboneUnavailable(
        f"open_clip's {type(tokenizer).__name__} with a reduction mask or a tokenizer mode: "
        "expected a plain SimpleTokenizer or HFTokenizer"
    )


class _SimpleText:
    """SimpleTokenizer, OpenAI's byte-pair encoding, with two things mended.

    open_clip reads `<start_of_text>` and `<end_of_text>` in a text as control tokens, and an early
    end token moves the embedding. Its merging takes time quadratic in a word's length, hours for a
    megabyte without a space, and keeps every word it ever saw; the same merges run in `tokenizers`.
    """

    pad_id = 0
    endings = 1
    libraries: Sequence[str] = ("ftfy", "regex", "tokenizers")

    def __init__(self, tokenizer: Any) -> None:
        self.context_length = int(tokenizer.context_length)
        clean = tokenizer.clean_fn.__name__.removeprefix("_clean_")
        self.description = f"SimpleTokenizer, {tokenizer.vocab_size} tokens, clean {clean}"
        self._start, self._end = [tokenizer.sot_token_id], [tokenizer.eot_token_id]
        control = "|".join(tokenizer.decoder[token] for token in tokenizer.all_special_ids)
        merges = BPE(
            vocab=tokenizer.encoder,
            merges=list(tokenizer.bpe_ranks),
            end_of_word_suffix="</w>",
        )
        self._tokenizer = copy.copy(tokenizer)
        self._tokenizer.pat = regex.compile(
            tokenizer.pat.pattern.removeprefix(f"{control}|"), tokenizer.pat.flags
        )
        self._tokenizer.bpe = lambda word: " ".join(piece.value for piece in merges.tokenize(word))

    def ids(self, text: str) -> list[int]:
        return [*self._start, *self._tokenizer.encode(text), *self._end]

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        cleaned = self._tokenizer.clean_fn(text)
        origins = characters_before_cleaning(text, cleaned)
        if origins is None:
            return None
        found = [(0, 0)]
        for match in self._tokenizer.pat.finditer(cleaned):
            # A symbol a byte: which character of the match does each byte belong to?
            owners = [
                match.start() + index
                for index, character in enumerate(match.group())
                for _ in character.encode()
            ]
            symbols = "".join(self._tokenizer.byte_encoder[b] for b in match.group().encode())
            at = 0
            for piece in self._tokenizer.bpe(symbols).split(" "):
                end = at + len(piece.removesuffix("</w>"))
                found.append((origins[owners[at]][0], origins[owners[end - 1]][1]))
                at = end
        return [*found, (0, 0)]


class _HubText:
    """HFTokenizer, a tokenizer of transformers after open_clip's cleaning."""

    libraries: Sequence[str] = ("ftfy", "tokenizers", "transformers")

    def __init__(self, tokenizer: Any) -> None:
        self._plain = PlainTokenizer(tokenizer.tokenizer)
        self._clean = tokenizer.clean_fn
        self._separator = tokenizer.tokenizer.sep_token_id if tokenizer.strip_sep_token else None
        self.context_length = int(tokenizer.context_length)
        self.endings = self._plain.endings
        (self.pad_id,) = self._stripped([self._plain.pad_id])
        clean = self._clean.__name__.removeprefix("_clean_")
        self.description = (
            f"{self._plain.description}, clean {clean}, strip separator {tokenizer.strip_sep_token}"
        )

    def ids(self, text: str) -> list[int]:
        return self._stripped(self._plain.ids(self._clean(text)))

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        cleaned = self._clean(text)
        origins, found = characters_before_cleaning(text, cleaned), self._plain.locate(cleaned)
        if origins is None or found is None:
            return None
        return [
            (origins[start][0], origins[end - 1][1]) if start < end else (0, 0)
            for start, end in found
        ]

    def _stripped(self, ids: list[int]) -> list[int]:
        return [0 if token == self._separator else token for token in ids]
