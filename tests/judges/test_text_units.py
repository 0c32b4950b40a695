"""What of a text is a unit, and where in its bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.judges.byte_offsets import byte_offsets, touched_characters
from mmjudge.judges.text_units import UnitRules, Units, text_units


def told(text: str, units: Units) -> list[tuple[str, bool]]:
    data = text.encode()
    return [
        (data[start:end].decode(), bool(seen))
        for (start, end), seen in zip(units.bytes.tolist(), units.visual, strict=True)
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_byte_offsets_are_those_of_the_encoded_text(text: str) -> None:
    offsets = byte_offsets(text)
    assert offsets.tolist() == [len(text[:at].encode()) for at in range(len(text) + 1)]


def test_a_character_that_a_span_cuts_is_touched() -> None:
    offsets = byte_offsets("aé日z")
    spans = np.array([[0, 1], [1, 2], [2, 3], [1, 3], [4, 5], [3, 7], [2, 2], [7, 7]], np.int32)
    assert touched_characters(offsets, spans).tolist() == [
        [0, 1], [1, 2], [1, 2], [1, 2], [2, 3], [2, 4], [1, 1], [4, 4],
    ]  # fmt: skip


def test_words_with_what_is_zero_by_rule() -> None:
    text = "Zwei Äpfel on the 3 tables."
    assert told(text, text_units(text, None, UnitRules())) == [
        ("Zwei", True), ("Äpfel", True), ("on", False), ("the", False), ("3", False),
        ("tables", True), (".", False),
    ]  # fmt: skip


def test_rules_decide_what_is_zero() -> None:
    rules = UnitRules(stop_words="none", numbers="score")
    text = "the 3 tables."
    assert [seen for _, seen in told(text, text_units(text, None, rules))] == [
        True, True, True, False,
    ]  # fmt: skip
    phrase = UnitRules(unit="phrase", stop_words="none", numbers="score")
    assert told(text, text_units(text, None, phrase)) == [("the 3 tables", True), (".", False)]


def test_the_callers_spans_are_units_where_it_has_some() -> None:
    text = "a red 🚀 of 12"
    # The rocket's four bytes as byte-level tokens have it: in two halves, each told as the half.
    spans = np.array([[0, 0], [0, 5], [6, 8], [8, 10], [10, 13], [13, 16]], np.int32)
    units = text_units(text, spans, UnitRules(unit="span"))
    assert units.spans is not None and units.spans.tolist() == [1, 2, 3, 4, 5]
    assert units.characters.tolist() == [[0, 5], [6, 7], [6, 7], [7, 10], [10, 13]]
    assert units.visual.tolist() == [True, True, True, False, False]
    words = text_units(text, None, UnitRules(unit="span"))
    assert words.spans is None
    assert [text for text, seen in told(text, words) if seen] == ["red", "🚀"]


@pytest.mark.parametrize("text", ["", " ", "\n\t"])
def test_a_text_of_nothing_has_no_units(text: str) -> None:
    units = text_units(text, None, UnitRules())
    assert units.characters.shape == units.bytes.shape == (0, 2)
