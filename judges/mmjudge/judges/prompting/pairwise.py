"""Candidates compared two at a time, in one order or in both."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from mmjudge.contract.verdicts import Judgement, Note, Score, rank
from mmjudge.judges.prompting.said import Said, together

Pair = tuple[int, int]
AskPair = Callable[[Pair], Coroutine[Any, Any, Said]]


async def compare_all(count: int, ask: AskPair, debias: bool) -> tuple[Judgement, tuple[Note, ...]]:
    """Scores and ranks of `count` candidates, of which every two are compared.

    A candidate's value is the mean of its ratings. Its rank goes by the comparisons won, a tie
    being half of one. `debias` asks about every two in both orders: where the answers disagree, it
    is a tie, with the note POSITION_BIAS. Raises `ItemError` or `Abstained` where one comparison
    fails.
    """
    pairs = list(combinations(range(count), 2))
    orders = [order for i, j in pairs for order in ([(i, j), (j, i)] if debias else [(i, j)])]
    said = dict(zip(orders, await together(map(ask, orders)), strict=True))
    points, notes = [0.0] * count, [note for one in said.values() for note in one.notes]
    for i, j in pairs:
        ranks = {said[i, j].ranks, *([said[j, i].turned().ranks] if debias else [])}
        if len(ranks) > 1:
            notes.append(_position_bias((i, j), said))
        first, second = ranks.pop() if len(ranks) == 1 else (1, 1)
        points[i] += 0.5 + np.sign(second - first) / 2
        points[j] += 0.5 + np.sign(first - second) / 2
    judgement = Judgement(
        tuple(_score(index, said, alone=count == 2) for index in range(count)),
        rank(points),
        _texts({order: one.rationale for order, one in said.items()}),
        _texts({order: one.raw_text for order, one in said.items()}),
    )
    return judgement, tuple(dict.fromkeys(notes))


def _score(index: int, said: Mapping[Pair, Said], *, alone: bool) -> Score:
    """The score of one candidate; of only two, with what it was given when shown where."""
    answers = [(one, order.index(index)) for order, one in said.items() if index in order]
    ratings = [one.values[place] for one, place in answers if one.values]
    parts: dict[str, float] = {}
    for one, place in answers if alone else ():
        if len(answers) == 2:
            parts[f"rank_shown_{_PLACES[place]}"] = float(one.ranks[place])
            if one.values:
                parts[f"rating_shown_{_PLACES[place]}"] = one.values[place]
        elif one.spreads:
            parts["std"] = one.spreads[place]
    return Score(float(np.mean(ratings)) if ratings else None, parts)


_PLACES = ("first", "second")


def _position_bias(pair: Pair, said: Mapping[Pair, Said]) -> Note:
    told = "; ".join(
        f"with candidates[{order[0]}] shown first, {_told(order, said[order].ranks)}"
        for order in (pair, pair[::-1])
    )
    return Note("POSITION_BIAS", f"{told}: taken for a tie", "candidates")


def _told(order: Pair, ranks: Sequence[int]) -> str:
    if ranks[0] == ranks[1]:
        return "neither is better"
    return f"candidates[{order[0] if ranks[0] < ranks[1] else order[1]}] is better"


def _texts(texts: Mapping[Pair, str]) -> str:
    """The texts there are, each under its order where there are several questions."""
    if len(texts) == 1:
        return next(iter(texts.values()))
    told = [f"[candidates {i} and {j}]\n{text}" for (i, j), text in texts.items() if text]
    return "\n\n".join(told)
