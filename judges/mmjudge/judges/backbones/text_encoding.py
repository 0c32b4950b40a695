"""The operation that turns texts into features."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import torch

from mmjudge.contract.errors import invalid
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.encoding import Encoding
from mmjudge.judges.backbones.features import Features, split_features
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
        groups: dict[int, list[int]] = defaultdict(list)
        for index, ids in enumerate(payloads):
            groups[self._padded(ids)].append(index)
        outputs: dict[int, Features] = {}
        for members in groups.values():
            group = [payloads[index] for index in members]
            outputs.update(zip(members, self._in_passes(group, self._encode), strict=True))
        return [outputs[index] for index in range(len(payloads))]

    def _padded(self, ids: Sequence[int]) -> int:
        return next(length for length in self._tower.text_lengths if length >= len(ids))

    @torch.inference_mode()
    def _encode(self, payloads: Sequence[list[int]]) -> list[Features]:
        shape = (len(payloads), self._padded(payloads[0]))
        ids = torch.full(shape, self._tower.pad_id)
        mask = torch.zeros(shape, dtype=torch.bool)
        for row, tokens in enumerate(payloads):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = True
        device = self._tower.device
        embeddings, states = self._tower.encode_texts(ids.to(device), mask.to(device))
        kept = states if self.keep_tokens else None
        return split_features(embeddings, kept, [len(tokens) for tokens in payloads])
