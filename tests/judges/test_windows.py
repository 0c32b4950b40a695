"""Texts cut into windows: every unit whole, in one window, and no window too long."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mmjudge.judges.backbones.windows import Range, UnitTooLong, windows
from mmjudge.judges.segmentation import segments, word_boundaries


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[int, list[Range], list[int], int]:
    """Length, units in the order of their starts, cuts, and the longest window."""
    length = draw(st.integers(1, 120))
    starts = st.integers(0, length - 1)
    pairs = st.tuples(starts, st.integers(1, 12))
    units = sorted(
        (start, min(start + size, length)) for start, size in draw(st.lists(pairs, max_size=20))
    )
    cuts = sorted(draw(st.sets(st.integers(0, length), max_size=60)))
    return length, units, cuts, draw(st.integers(1, 60))


@given(cut_texts())
def test_every_unit_is_whole_in_exactly_one_window_that_fits(
    case: tuple[int, list[Range], list[int], int],
) -> None:
    length, units, cuts, most = case
    try:
        found = windows(length, units, cuts, lambda start, end: end - start <= most)
    except UnitTooLong as error:
        joined = _joined(units)
        start, end = units[error.unit]
        (whole,) = [one for one in joined if one[0] <= start and end <= one[1]]
        assert whole[1] - whole[0] > most
        return
    placed = [index for _, inside in found for index in inside]
    assert placed == list(range(len(units)))
    for (start, end), inside in found:
        assert inside and end - start <= most
        assert all(start <= units[i][0] and units[i][1] <= end for i in inside)
        for cut in {start, end} - {0, length}:
            assert cut in cuts or any(cut in unit for unit in units)
    assert all(one[0][1] <= other[0][0] for one, other in zip(found, found[1:], strict=False))


def _joined(units: list[Range]) -> list[Range]:
    """Units that overlap, as one."""
    found: list[Range] = []
    for start, end in units:
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


@given(st.text("ab \n.貓é", max_size=200), st.integers(1, 40))
def test_words_of_a_text_are_read_once_and_windows_are_as_long_as_may_be(
    text: str, most: int
) -> None:
    units = [segment[:2] for segment in segments(text) if segment.kind == "word"]
    assume(all(end - start <= most for start, end in units))
    bounds = word_boundaries(text)
    found = windows(len(text), units, bounds, lambda start, end: end - start <= most)
    assert [index for _, inside in found for index in inside] == list(range(len(units)))
    for ((start, end), _), ((behind, _), _) in zip(found, found[1:], strict=False):
        further = next(bound for bound in bounds if bound > end)
        assert further - start > most and behind >= end


def test_a_text_that_fits_is_one_window_whatever_its_cuts() -> None:
    assert windows(9, [(0, 2), (3, 9)], [], lambda *_: True) == [((0, 9), [0, 1])]
    assert windows(9, [], [3], lambda *_: True) == []


def test_what_holds_no_unit_and_does_not_fit_is_skipped() -> None:
    found = windows(40, [(0, 3), (36, 40)], [3, 36], lambda start, end: end - start <= 5)
    assert found == [((0, 3), [0]), ((36, 40), [1])]


def test_a_long_text_is_not_read_from_every_window() -> None:
    asked = 0

    def fits(start: int, end: int) -> bool:
        nonlocal asked
        asked += 1
        assert start == 0 and end == 100_000 or end - start <= 400
        return end - start <= 100

    units = [(at, at + 4) for at in range(0, 100_000, 5)]
    found = windows(100_000, units, [], fits)
    assert len(found) == 1000
    assert asked < 12_000


def test_a_unit_beyond_the_window_is_named() -> None:
    with pytest.raises(UnitTooLong) as raised:
        windows(20, [(0, 3), (5, 15)], [3], lambda start, end: end - start <= 6)
    assert raised.value.unit == 1
