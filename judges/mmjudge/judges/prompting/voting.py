"""Several samples of one answer made into one."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

from mmjudge.contract.verdicts import Note, rank
from mmjudge.judges.answers.answer import Unreadable
from mmjudge.judges.prompting.said import Said, abstained

Combine = Literal["mean", "vote"]


def combined(
    samples: Sequence[Said | Unreadable],
    texts: Sequence[str],
    path: str,
    how: Combine,
    notes_on_input: Sequence[Note] = (),
) -> Said:
    """One answer from those of several samples, of which more than half must be readable.

    Ratings: their mean, or with `vote` the most frequent one (the mean of those equally frequent).
    Choices and orders: the most frequent one; several that are equally frequent are a tie of all
    candidates. `spreads` is the population's standard deviation of each candidate's ratings. Raises
    `Abstained` with the most frequent reason there was.
    """
    said = [one for one in samples if isinstance(one, Said)]
    failed = [one for one in samples if isinstance(one, Unreadable)]
    raw_text = "\n\n".join(f"[sample {i}]\n{text}" for i, text in enumerate(texts))
    if 2 * len(said) <= len(samples):
        reason, _ = Counter(one.reason for one in failed).most_common(1)[0]
        first = next(one for one in failed if one.reason == reason)
        told = f"{len(failed)} of {len(samples)} samples cannot be read; the first: {first}"
        raise abstained(reason, told, path, raw_text, notes_on_input)
    notes = []
    if failed:
        told = f"{len(failed)} of {len(samples)} samples could not be read and do not count"
        notes.append(Note("SAMPLES_UNREADABLE", f"{told}; the first: {failed[0]}", path))
    notes += dict.fromkeys(note for one in said for note in one.notes)
    ratings = list(zip(*(one.values for one in said), strict=True))
    return Said(
        values=tuple(_mean(values) if how == "mean" else _mode(values) for values in ratings),
        ranks=_elected([one.ranks for one in said]),
        spreads=tuple(float(np.std(values)) for values in ratings),
        rationale=said[0].rationale,
        raw_text=raw_text,
        notes=tuple(notes),
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _mode(values: Sequence[float]) -> float:
    counts = Counter(values)
    return _mean([value for value, count in counts.items() if count == max(counts.values())])


def _elected(votes: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    if not votes[0]:
        return ()
    counts = Counter(votes)
    elected = [vote for vote, count in counts.items() if count == max(counts.values())]
    return elected[0] if len(elected) == 1 else rank([0.0] * len(votes[0]))
