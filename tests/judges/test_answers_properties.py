"""What holds of every answer: it reads back, or is Unreadable, in bounded time."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judges.written_ratings import LIKERT_10, ONE, TEN

from mmjudge.judges.answers.answer import Scale, Unreadable
from mmjudge.judges.answers.reading import choice_of, ranking_of, ratings_of, score_tag_of
from mmjudge.judges.answers.refusals import refusal

LABELS = ("ALIGNMENT-RATING", "Alignment Rating", "alignment_rating", "**ALIGNMENT-RATING**")
REASONS = ("Two of the 3 dogs are there.", "It fits: a hat, a coat.", "Nothing 10 years old.")

numbers = st.integers(1, 10) | st.sampled_from([1.5, 4.5, 9.75])
forms = st.sampled_from(["{}", "{}/10", "**{}**", "{} out of 10", '"{}"', "{}.", "[[{}]]", "`{}`"])


@st.composite
def written(draw: st.DrawFn, value: float) -> str:
    """An answer that gives `value`, in any order and form."""
    number, reason = draw(forms).format(value), draw(st.sampled_from(REASONS))
    label = draw(st.sampled_from(LABELS))
    if draw(st.booleans()):
        fields = {"ANALYSIS": reason, "ALIGNMENT-RATING": draw(st.sampled_from([value, number]))}
        if draw(st.booleans()):
            fields = dict(reversed(fields.items()))
        text = json.dumps(fields)
        if draw(st.booleans()):
            text = "".join(json.dumps({key: field}) for key, field in fields.items())
        return f"```json\n{text}\n```" if draw(st.booleans()) else text
    heading = draw(st.sampled_from([f"{label}: ", f"{label} = ", f"### {label}\n", f"- {label}: "]))
    lines = [heading + number, f"ANALYSIS: {reason}"]
    return draw(st.sampled_from(["\n", "\n\n"])).join(draw(st.permutations(lines)))


@given(st.data(), numbers)
def test_a_rating_in_any_form_and_order_reads_back(data: st.DataObject, value: float) -> None:
    text = data.draw(written(value))
    assert ratings_of(text, True, *ONE).values == (value,), text


@given(st.data(), st.integers(11, 10**9) | st.integers(-100, 0))
def test_a_rating_out_of_range_never_reads(data: st.DataObject, value: int) -> None:
    with pytest.raises(Unreadable):
        ratings_of(data.draw(written(value)), True, *ONE)


PIECES = st.sampled_from(
    [
        "RATING",
        "ALIGNMENT-RATING:",
        "BETTER",
        ":",
        " ",
        "\n",
        "7",
        "8/10",
        "-",
        "{",
        "}",
        '"',
        "```",
    ]
    + ["[[", "]]", "1", "2", ">", "Good", "Very", "### Score", "<think>", "'", "(", ")", ",", "="]
)
LONG_PIECES = [
    "RATING: ",
    "RATING\n",
    "{",
    "[",
    '{"a":',
    '{"',
    '"',
    " ",
    "\n",
    "7",
    "1 > ",
    "“",
    ",",
]
LONG_PIECES += ["RATING: 7 ", '"RATING: 10" ', "RATING: 7 (", "[[1]]", "RATING ((("]


def read_all_ways(text: str, finished: bool) -> None:
    """Read `text` with every reader; anything but Unreadable is a failure."""
    scale = Scale(1, 10, LIKERT_10.words)
    quoted = (text, "RATING: 7")
    for read in (
        lambda: ratings_of(text, finished, ["ALIGNMENT-RATING"], scale, quoted),
        lambda: ratings_of(text, finished, ["A RATING", "B RATING"], TEN),
        lambda: choice_of(text, finished, ["BETTER"], ["1", "2"], ["0"], quoted),
        lambda: ranking_of(text, finished, ["RATING"], 2, quoted),
        lambda: score_tag_of(text, finished, "### Score", Scale(0, 6)),
    ):
        try:
            read()
        except Unreadable as error:
            assert str(error)
            assert error.reason
    refusal(text)


@given(st.text() | st.lists(PIECES).map("".join), st.booleans())
@settings(max_examples=300, deadline=None)
def test_any_text_reads_or_is_unreadable(text: str, finished: bool) -> None:
    read_all_ways(text, finished)


@given(st.lists(PIECES).map("".join))
def test_what_reads_is_in_the_scale(text: str) -> None:
    try:
        (value,) = ratings_of(text, True, *ONE).values
    except Unreadable:
        return
    assert 1 <= value <= 10


@pytest.mark.parametrize("piece", LONG_PIECES)
def test_a_long_answer_returns(piece: str) -> None:
    """A regular expression that backtracks over 200 kB would not return in anybody's lifetime."""
    read_all_ways((piece * (200_000 // len(piece))) + "\x00", True)
