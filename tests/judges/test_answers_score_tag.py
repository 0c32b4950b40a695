"""MMIE's score after its heading: the number that upstream reads, wherever upstream counts one."""

import json
from pathlib import Path

import pytest

from mmjudge.contract.verdicts import AbstentionReason
from mmjudge.judges.answers.answer import Scale, Unreadable
from mmjudge.judges.answers.reading import score_tag_of
from mmjudge.judges.answers.score_tag import read_score_tag

HEADING = "### Score"
SCALE = Scale(0, 6)


def read(text: str) -> float | None:
    """The score, None where it is unreadable."""
    try:
        return read_score_tag(text, HEADING, SCALE).values[0]
    except Unreadable:
        return None


def test_every_recorded_reply_reads_as_upstream_reads_it(mmie_goldens: Path) -> None:
    rows = json.loads((mmie_goldens / "score" / "score_parse.json").read_text())["rows"]
    assert len(rows) == 64
    for row in rows:
        expected = row["find_score"] if row["counted_in_average"] else None
        assert read(row["feedback"]) == expected, row["feedback"][:80]


@pytest.mark.parametrize(
    ("text", "score"),
    [
        (" It fits.\n### Score\n4", 4),
        ("### Score: 3.5", 4),
        ("### Score: 4.5", 4),
        ("### Score\n-0.5", 0),
        ("### Score\n2\n### Score\n5", 2),
        ("### Score\n7", None),
        ("### Score\n-1", None),
        ("### score\n4", None),
        ("4", None),
        ("### Score\n" + "9" * 400, None),
    ],
)
def test_rounding_range_and_heading(text: str, score: float | None) -> None:
    assert read(text) == score


def test_the_feedback_is_the_rationale() -> None:
    found = read_score_tag("### Feedback\nThe text is **clear**.\n### Score\n5", HEADING, SCALE)
    assert found.rationale == "The text is clear."


def test_what_upstream_drops_silently_is_an_abstention_with_its_reason() -> None:
    with pytest.raises(Unreadable, match="score '6.6' is outside 0 to 6") as error:
        score_tag_of("### Score\n6.6", True, HEADING, SCALE)
    assert error.value.reason == AbstentionReason.UNPARSEABLE
    with pytest.raises(Unreadable, match="no '### Score' in the answer") as error:
        score_tag_of("The story is told well and", False, HEADING, SCALE)
    assert error.value.reason == AbstentionReason.CUT_SHORT
