"""What the judges over a dual encoder have in common: encode an image and a text, compare them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from mmjudge.contract.errors import invalid
from mmjudge.contract.items import Item, Want
from mmjudge.contract.verdicts import Judgement, Note, Score, Verdict, rank
from mmjudge.judges.backbones.dual_encoder import DualEncoder
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.text_encoding import Text, WhenLong
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Computed
from mmjudge.judges.pairing import Pair, located, pairs


@dataclass(frozen=True, slots=True)
class Compared:
    """The cosine of a pair, the features of its text, and what was done to both on the way."""

    cosine: float
    text: Features
    notes: tuple[Note, ...]


class Comparer:
    """Encodes the two sides of pairs with a dual encoder, served by a host."""

    def __init__(
        self, encoder: DualEncoder, host: Host, template: str, when_long: WhenLong
    ) -> None:
        """`template` holds {text} once; raises ValueError otherwise."""
        if template.count("{text}") != 1:
            raise ValueError(f"template {template!r}: expected {{text}} in it once")
        self._template, self._when_long = template, when_long
        self._image, self._text = host.serve(encoder.images), host.serve(encoder.texts)

    async def compare(self, pair: Pair) -> Compared:
        """Encode a pair; raises `ItemError` with the path of the side at fault."""
        image, text = await asyncio.gather(
            located(pair.image_path, self._image(pair.image)), self.read(pair.text_path, pair.text)
        )
        notes = [note.at(pair.image_path) for note in image.notes]
        return Compared(cosine(image.value, text.value), text.value, (*notes, *text.notes))

    async def read(self, path: str, text: str) -> Computed[Features]:
        """Encode a text in the template; raises `ItemError` TEXT_EMPTY or TEXT_TOO_LONG."""
        if not text.strip():  # the template would hide it from the encoder
            raise invalid("TEXT_EMPTY", f"{text!r}, expected words to compare with the image", path)
        words = Text(self._template.replace("{text}", text), self._when_long)
        computed = await located(path, self._text(words))
        return Computed(computed.value, tuple(note.at(path) for note in computed.notes))


def cosine(left: Features, right: Features) -> float:
    """Cosine of two embeddings, in -1..1, or NaN if one of them is."""
    # float64 holds the products of float32 exactly: the sum does not depend on its order.
    one, other = left.embedding.astype(np.float64), right.embedding.astype(np.float64)
    return float(np.clip(np.dot(one, other), -1.0, 1.0))  # min() would make 1.0 of a NaN


def verdict(scores: Sequence[Score], want: Want, notes: Iterable[Note]) -> Verdict:
    """A judgement of scored candidates, ranked by score where a PREFERENCE is wanted.

    Candidates share the prompt, and with it the notes on it: each is told once.
    """
    ranks: tuple[int, ...] = ()
    if want is Want.PREFERENCE:
        ranks = rank([score.value for score in scores if score.value is not None])
    return Verdict(Judgement(tuple(scores), ranks), tuple(dict.fromkeys(notes)))


async def pair_verdict(
    item: Item,
    want: Want,
    score: Callable[[Pair], Awaitable[tuple[Score, Sequence[Note]]]],
) -> Verdict:
    """Score the pair of every candidate by itself; raises as `pairs` and `score` do."""
    scored = await asyncio.gather(*(score(pair) for pair in pairs(item)))
    notes = (note for _, found in scored for note in found)
    return verdict([score for score, _ in scored], want, notes)
