"""The operation that turns texts into features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Literal

import torch

from mmjudge.contract.errors import invalid
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.encoding import Encoding
from mmjudge.judges.backbones.features import Features, split_features
from mmjudge.judges.backbones.token_batches import in_groups, pad_ids, padded_length
from mmjudge.judges.operation import Prepared

WhenLong = Literal["error", "truncate"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text, and what to do when it is longer than the encoder's context."""

    text: str
    when_long: WhenLong = "error"


class TextEncoding(Encoding):
    """`Text` -> `Features`, batched by tokens after padding."""

    def key(self, text: Text) -> bytes:
        """SHA-256 of the text and of its rule for length."""
        return sha256(f"{text.when_long} {text.text}".encode()).digest()

    def prepare(self, text: Text) -> Prepared[list[int]]:
        """Tokenize; raises `ItemError` TEXT_EMPTY, or TEXT_TOO_LONG when that is an error."""
        if not text.text.strip():
            raise invalid("TEXT_EMPTY", f"{text.text!r}, expected words to compare with the image")
        ids, most = self._tower.tokenize(text.text), self._tower.context_length
        if len(ids) <= most:
            return Prepared(ids, self._padded(ids))
        if text.when_long == "error":
            raise invalid(
                "TEXT_TOO_LONG",
                f"{len(ids)} tokens, the model reads {most}: shorten the text, or configure the "
                'judge with long_text = "truncate"',
            )
        note = Note("TEXT_TRUNCATED", f"{len(ids)} tokens, of which {most} were read")
        return Prepared(self._tower.truncate(ids), most, (note,))

    def forward(self, payloads: list[list[int]]) -> list[Features]:
        """Encode token ids, in groups of equal padded length."""
        return in_groups(payloads, self._padded, partial(self._in_passes, encode=self._encode))

    def _padded(self, ids: Sequence[int]) -> int:
        return padded_length(self._tower, ids)

    @torch.inference_mode()
    def _encode(self, payloads: Sequence[list[int]]) -> list[Features]:
        ids, mask = pad_ids(self._tower, payloads, self._padded(payloads[0]))
        embeddings, states = self._tower.encode_texts(ids, mask)
        kept = states if self.keep_tokens else None
        return split_features(embeddings, kept, [len(tokens) for tokens in payloads])
