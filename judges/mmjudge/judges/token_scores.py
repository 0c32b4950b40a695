"""From similarities of a text's units to a candidate's score, on the caller's tokens."""

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.verdicts import Score
from mmjudge.judges.backbones.alignment import Similarities
from mmjudge.judges.text_units import Units
from mmjudge.judges.token_mapping import Mapped, MappingRule, map_rewards
from mmjudge.judges.transforms import Transform


def token_score(
    units: Units,
    similar: Similarities | None,
    transform: Transform,
    spans: NDArray[np.int32] | None,
    rule: MappingRule,
) -> Score:
    """Rewards of units as a score with spans and regions.

    value: the mean reward of the visual units, 0 if there are none; by_criterion: the mean of their
    raw similarities. `similar` is of the visual units, None if there are none; those of which
    nothing is known are treated as not visual. Without the caller's `spans`, those of the units.
    """
    rewards = np.zeros(len(units.visual), np.float32)
    patches = np.full(len(units.visual), -1, np.int32)
    value, criteria, seen = 0.0, {}, np.zeros(0, np.int64)
    if similar is not None and similar.known.any():
        seen = np.flatnonzero(units.visual)[similar.known]
        rewards[seen] = transform(similar.values[similar.known])
        if similar.patches is not None:
            patches[seen] = similar.patches[similar.known]
        value = float(rewards[seen].astype(np.float64).mean())
        criteria = {"similarity": float(similar.values[similar.known].astype(np.float64).mean())}
    if spans is None:
        spans, mapped = units.bytes, Mapped(rewards, np.arange(len(rewards), dtype=np.int32))
    elif units.spans is not None:
        mapped = _on_own_spans(units.spans, rewards, len(spans))
    else:
        mapped = map_rewards(units.bytes[seen], rewards[seen], spans, rule)
        patches = patches[seen]
    # The source -1, of spans that no unit reaches, finds the -1 that is put behind the rest.
    regions = np.append(patches, np.int32(-1))[mapped.source]
    return Score(value, criteria, spans=spans, span_values=mapped.values, regions=regions)


def _on_own_spans(of: NDArray[np.int64], rewards: NDArray[np.float32], count: int) -> Mapped:
    values, source = np.zeros(count, np.float32), np.full(count, -1, np.int32)
    values[of], source[of] = rewards, np.arange(len(of), dtype=np.int32)
    return Mapped(values, source)
