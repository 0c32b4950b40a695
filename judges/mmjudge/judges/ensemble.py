"""Judge `ensemble`: the weighted sum of other judges' scores."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Note, Score, Verdict
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.comparing import verdict
from mmjudge.judges.ensemble_part import EnsemblePart, Said
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host, JudgeConfig
from mmjudge.judges.judge_files import judge_files

SPREAD = "standard_deviation"


@dataclass(frozen=True, slots=True)
class EnsembleOptions:
    """Which judges take part, and how much.

    parts: sections of judges by name, each as it would stand under [judges].
    weights: the factor on each part's score, one for every part.
    absent: what happens where a part has no score for an item. `refuse` gives the item that part's
    reason in place of a score; `skip` sums the others and notes it, which makes a number that is
    comparable with none of a whole sum. A part that breaks is never skipped.
    """

    parts: dict[str, JudgeConfig] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    absent: Literal["refuse", "skip"] = "refuse"


@dataclass(frozen=True, slots=True)
class EnsembleBackbone:
    """None of its own: each part has one, shared by all who ask alike."""


class EnsembleJudge:
    """Asks its parts at once, and sums what they say."""

    Options: ClassVar = EnsembleOptions
    Backbone: ClassVar = EnsembleBackbone

    def __init__(
        self, name: str, options: EnsembleOptions, backbone: EnsembleBackbone, host: Host
    ) -> None:
        _check(options)
        self._parts = [
            EnsemblePart(part, options.weights[part], config, host)
            for part, config in options.parts.items()
        ]
        self._skip = options.absent == "skip"
        infos = {part.name: part.info for part in self._parts}
        told = {
            f"{p}.{key}": value for p, i in infos.items() for key, value in i.provenance.items()
        }
        # Without names and in an order of its own: neither changes the sum.
        terms = sorted(f"{part.weight!r} * {part.info.fingerprint}" for part in self._parts)
        provenance = {"judge": "ensemble", "sum": " + ".join(terms), "absent": options.absent}
        formula = " + ".join(f"{part.weight:g} * {part.name}" for part in self._parts)
        parts = "; ".join(f"{part}: {info.description}" for part, info in infos.items())
        lows, highs = zip(*(part.range() for part in self._parts), strict=True)
        self.info = JudgeInfo(
            name=name,
            kind="ensemble",
            fingerprint=fingerprint(provenance),
            provenance=told | provenance,
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=tuple(sorted({read for info in infos.values() for read in info.reads})),
            range=(_total(lows), _total(highs)),
            description=f"{formula}, where {parts}",
            caution="; ".join(dict.fromkeys(i.caution for i in infos.values() if i.caution)),
        )
        # The example of whoever needs most is the likeliest to suit them all.
        examples = [(part.judge.example, len(part.info.reads)) for part in self._parts]
        self.example = max(examples, key=lambda one: (len(one[0].candidates), one[1]))[0]

    @staticmethod
    def files(options: EnsembleOptions, backbone: EnsembleBackbone) -> list[ModelFile]:
        """Fetch the files of all parts; raises as `judge_files`, naming the part."""
        _check(options)
        return [file for part in options.parts.values() for file in judge_files(part)]

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Sum the parts' scores of each candidate; PREFERENCE ranks them by the sums.

        `by_criterion` holds each part's score and the scores' standard deviation (of a population,
        without the weights). A part without a score ends the item with its own abstention or error,
        which then begins with the part's name.
        """
        said = await asyncio.gather(*(part.ask(item) for part in self._parts))
        absent = sorted((one for one in said if one.absence), key=lambda one: not one.broken)
        present = [one for one in said if not one.absence]
        notes = [note for one in said for note in one.notes]
        for one in absent:
            assert one.absence is not None  # that is what it is among them for
            if one.broken or not self._skip or not present:
                return Verdict(one.absence, tuple(dict.fromkeys(notes)))
            notes.append(Note("PART_SKIPPED", one.absence.message, one.absence.field))
        scores = [_sum(present, index) for index in range(len(item.candidates))]
        return verdict(scores, ask.want, notes)


def _check(options: EnsembleOptions) -> None:
    if not options.parts:
        raise ValueError("parts: none, expected the section of a judge in parts.NAME")
    if SPREAD in options.parts:
        raise ValueError(f"parts.{SPREAD}: scores have their spread under that name; rename it")
    for part in options.parts:
        if part not in options.weights:
            raise ValueError(f"weights.{part}: missing, expected a number for every part")
    for part, weight in options.weights.items():
        if part not in options.parts:
            raise ValueError(f"weights.{part}: no such part, expected {', '.join(options.parts)}")
        if not math.isfinite(weight):
            raise ValueError(f"weights.{part}: {weight}, expected a finite number")


def _sum(present: Sequence[Said], index: int) -> Score:
    values = {one.name: one.values[index] for one in present}
    # Exact before it is rounded, so that it does not depend on the order of the parts.
    total = math.fsum(one.weight * one.values[index] for one in present)
    return Score(total, values | {SPREAD: float(np.std(list(values.values())))})


def _total(ends: Sequence[float | None]) -> float | None:
    known = [end for end in ends if end is not None]
    return math.fsum(known) if len(known) == len(ends) else None
