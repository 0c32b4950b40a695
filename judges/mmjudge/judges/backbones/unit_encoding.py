"""The operation that turns the units of a text, such as its words, into features in context."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256

import torch
from torch import Tensor

from mmjudge.contract.errors import invalid
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.dual_encoder import DualEncoder
from mmjudge.judges.backbones.encoding import Encoding
from mmjudge.judges.backbones.features import in_rows
from mmjudge.judges.backbones.token_batches import in_groups, pad_ids, padded_length
from mmjudge.judges.backbones.token_location import Located, locate_units
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.backbones.windows import Range, UnitTooLong, windows
from mmjudge.judges.operation import Prepared
from mmjudge.judges.segmentation import word_boundaries
from mmjudge.kernels import segment_reduce


@dataclass(frozen=True, slots=True)
class Passage:
    """A text, and its units: ranges of characters, filled, in the order of their starts."""

    text: str
    units: tuple[Range, ...]


class UnitEncoding(Encoding):
    """`Passage` -> features of its units, float32 `[units, dim]` on the tower's device.

    A unit's features are the mean of its tokens' as they come out of the whole window that it
    stands in; all 0 for a unit of which the tokenizer kept nothing. A text longer than the context
    is read in windows cut between words, each unit in one window that holds it whole.
    """

    def __init__(self, encoder: DualEncoder, name: str) -> None:
        """With the passes and the budget of the encoder's `texts`."""
        texts = encoder.texts
        super().__init__(
            encoder.tower,
            name=name,
            fingerprint=f"{texts.fingerprint}/units",
            budget=texts.budget,
            fixed=texts.fixed,
        )

    def key(self, passage: Passage) -> bytes:
        """SHA-256 of the text and of where its units are."""
        return sha256(f"{passage.units} {passage.text}".encode()).digest()

    def prepare(self, passage: Passage) -> Prepared[list[Located]]:
        """Cut, tokenize, and find each unit's tokens.

        Raises `ItemError` UNIT_TOO_LONG for a unit beyond the context, TEXT_TOO_LONG for a text
        of more windows than a batch may hold.
        """
        tower, text = self._tower, passage.text
        most = self.budget.cost // tower.context_length
        asked = 0

        def fits(start: int, end: int) -> bool:
            nonlocal asked
            asked += 1
            # A window takes two dozen questions at most; a text that is far too long, minutes.
            if asked > 64 * most:
                raise _too_long(most, tower)
            return len(tower.tokenize(text[start:end])) <= tower.context_length

        try:
            cut = windows(len(text), passage.units, word_boundaries(text), fits)
        except UnitTooLong as error:
            start, end = passage.units[error.unit]
            raise invalid(
                "UNIT_TOO_LONG",
                f"{text[start : start + 40]!r} (characters {start} to {end}) has more tokens than "
                f"the {tower.context_length} that the model reads at once: cut it",
            ) from error
        if len(cut) > most:
            raise _too_long(most, tower)
        found = [self._locate(passage, *window) for window in cut]
        cost = sum(padded_length(tower, window.ids) for window in found)
        return Prepared(found, cost, tuple(_notes(found)))

    def forward(self, payloads: list[list[Located]]) -> list[Tensor]:
        """Encode the windows of all passages, in groups of equal padded length."""
        flat = [window for windows in payloads for window in windows]
        length = partial(_length, self._tower)
        run = partial(in_rows, rows=self._rows, encode=self._encode, workers=self._workers)
        means = iter(in_groups(flat, length, run))
        return [torch.cat([next(means) for _ in windows]) for windows in payloads]

    def _locate(self, passage: Passage, window: Range, units: Sequence[int]) -> Located:
        start, end = window
        text = passage.text[start:end].rstrip()  # no text ends in a space that was cut off
        ranges = [passage.units[index] for index in units]
        own = [(first - start, min(last - start, len(text))) for first, last in ranges]
        return locate_units(self._tower, text, own)

    @torch.inference_mode()
    def _encode(self, windows: Sequence[Located]) -> list[Tensor]:
        length = _length(self._tower, windows[0])
        ids, mask = pad_ids(self._tower, [window.ids for window in windows], length)
        _, states = self._tower.encode_texts(ids, mask)
        assert states is not None  # who asks for units has seen that there are features by token
        means = []
        for row, window in enumerate(windows):
            index = [at for first, last in window.tokens for at in range(first, last)]
            ends = torch.tensor([0, *(last - first for first, last in window.tokens)]).cumsum(0)
            means.append(segment_reduce(states[row, index], ends))
        return means


def reads_tokens(tower: Tower) -> bool:
    """Whether the tower has features by token in the joint space; runs it once."""
    ids, mask = pad_ids(tower, [tower.tokenize("a")], tower.text_lengths[0])
    with torch.inference_mode():
        return tower.encode_texts(ids, mask)[1] is not None


def _length(tower: Tower, window: Located) -> int:
    return padded_length(tower, window.ids)


def _too_long(most: int, tower: Tower) -> Exception:
    return invalid(
        "TEXT_TOO_LONG",
        f"more than {most} windows of the {tower.context_length} tokens that the model reads at "
        "once: judge it in parts, or raise max_batch_items",
    )


def _notes(found: Sequence[Located]) -> list[Note]:
    notes = []
    if len(found) > 1:
        notes.append(Note("TEXT_WINDOWED", f"read in {len(found)} windows, one after the other"))
    if misaligned := sum(window.misaligned for window in found):
        notes.append(
            Note(
                "TOKENS_MISALIGNED",
                f"{misaligned} units share tokens of the model's with what stands beside them",
            )
        )
    if unread := sum(first == last for window in found for first, last in window.tokens):
        notes.append(
            Note("UNITS_UNREAD", f"{unread} units of which the model's tokenizer keeps nothing")
        )
    return notes
