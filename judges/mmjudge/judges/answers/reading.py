"""A reply's answer, or the reason for an abstention: cut short, refused, unparseable."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from mmjudge.contract.verdicts import AbstentionReason
from mmjudge.judges.answers.answer import Choice, Ratings, Scale, Unreadable
from mmjudge.judges.answers.choices import read_choice
from mmjudge.judges.answers.rankings import read_ranking
from mmjudge.judges.answers.ratings import read_ratings
from mmjudge.judges.answers.refusals import refusal
from mmjudge.judges.answers.score_tag import read_score_tag

T = TypeVar("T")


def ratings_of(
    text: str, finished: bool, labels: Sequence[str], scale: Scale, quoted: Sequence[str] = ()
) -> Ratings:
    """`read_ratings` of a reply; `finished` is false where the model was stopped."""
    return _answer(lambda said: read_ratings(said, labels, scale, quoted), text, finished)


def choice_of(
    text: str,
    finished: bool,
    labels: Sequence[str],
    names: Sequence[str],
    ties: Sequence[str] = (),
    quoted: Sequence[str] = (),
) -> Choice:
    """`read_choice` of a reply; `finished` is false where the model was stopped."""
    return _answer(lambda said: read_choice(said, labels, names, ties, quoted), text, finished)


def ranking_of(
    text: str, finished: bool, labels: Sequence[str], count: int, quoted: Sequence[str] = ()
) -> tuple[int, ...]:
    """`read_ranking` of a reply; `finished` is false where the model was stopped."""
    return _answer(lambda said: read_ranking(said, labels, count, quoted), text, finished)


def score_tag_of(text: str, finished: bool, heading: str, scale: Scale) -> Ratings:
    """`read_score_tag` of a reply; `finished` is false where the model was stopped."""
    return _answer(lambda said: read_score_tag(said, heading, scale), text, finished)


def _answer(read: Callable[[str], T], text: str, finished: bool) -> T:
    """Read `text`, or raise Unreadable with the reason that fits: CUT_SHORT before REFUSED."""
    try:
        return read(text if finished else _whole_words(text))
    except Unreadable as error:
        if not finished:
            raise Unreadable(
                AbstentionReason.CUT_SHORT, f"the reply was cut short: {error}"
            ) from error
        if declined := refusal(text):
            raise Unreadable(AbstentionReason.REFUSED, f"the model declined: {declined}") from error
        raise


def _whole_words(text: str) -> str:
    """A cut text without its last word, which may be half of one: the 1 of a 10."""
    if not text or text[-1].isspace():
        return text
    return text[: -len(text[-1_000:].split()[-1])]
