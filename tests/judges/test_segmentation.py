"""Words and phrases of texts in several scripts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.judges.segmentation import phrases, segments, word_boundaries
from mmjudge.judges.stop_words import STOP_WORDS, is_stop_word


def cut(text: str, kind: str = "") -> list[str]:
    return [text[start:end] for start, end, found in segments(text) if found == kind or not kind]


def runs(text: str) -> list[str]:
    found = phrases(text, segments(text))
    return [text[start:end] for start, end, kind in found if kind == "word"]


@given(st.text())
def test_segments_are_in_order_and_leave_out_nothing_but_spaces(text: str) -> None:
    found = segments(text)
    assert all(start < end for start, end, _ in found)
    assert all(one.end <= other.start for one, other in zip(found, found[1:], strict=False))
    kept = "".join(text[start:end] for start, end, _ in found)
    assert "".join(kept.split()) == "".join(text.split())


@given(st.text())
def test_phrases_are_runs_of_segments(text: str) -> None:
    found = segments(text)
    joined = phrases(text, found)
    bounds = {bound for one in found for bound in one[:2]}
    assert all({one.start, one.end} <= bounds for one in joined)
    assert all(one.end <= other.start for one, other in zip(joined, joined[1:], strict=False))
    words = [one for one in found if one.kind == "word"]
    assert all(
        sum(one.start <= word.start and word.end <= one.end for one in joined) == 1
        for word in words
    )


@given(st.text())
def test_boundaries_ascend_from_one_end_to_the_other(text: str) -> None:
    found = word_boundaries(text)
    assert found == sorted(set(found))
    assert found[0] == 0 and found[-1] == len(text)


def test_apostrophes_decimals_and_underscores_are_inside_words() -> None:
    assert cut("The dog's 3.5 foo_bar, co-op!") == [
        "The", "dog's", "3.5", "foo_bar", ",", "co", "-", "op", "!",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("e\u0301cole cafe\u0301", ["e\u0301cole", "cafe\u0301"]),
        ("👩\u200d👩\u200d👧 and 👍🏽 🇫🇷🇩🇪 ☂", ["👩\u200d👩\u200d👧", "👍🏽", "🇫🇷", "🇩🇪", "☂"]),
        ("一隻貓。", ["一", "隻", "貓"]),
        ("カメラと木", ["カメラ", "と", "木"]),
        ("قطة على طاولة", ["قطة", "على", "طاولة"]),
        ("ภาษาไทย สวย", ["ภาษาไทย", "สวย"]),
        ("고양이 한 마리", ["고양이", "한", "마리"]),
    ],
    ids=["combining", "emoji", "han", "kana", "arabic", "thai", "hangul"],
)
def test_words_of_other_scripts(text: str, words: list[str]) -> None:
    assert cut(text, "word") == words


def test_what_names_nothing_is_told_apart() -> None:
    text = "It\N{RIGHT SINGLE QUOTATION MARK}s THE 2nd of 1,234 cats — (c) © #1 100%"
    assert cut(text, "word") == ["2nd", "cats", "c"]
    assert cut(text, "stop") == ["It\N{RIGHT SINGLE QUOTATION MARK}s", "THE", "of"]
    assert cut(text, "number") == ["1,234", "1", "100"]
    assert cut(text, "mark") == ["—", "(", ")", "©", "#", "%"]


def test_a_phrase_ends_at_stop_words_marks_numbers_and_lines() -> None:
    assert runs("A small red cup on the old table, two-tone walls 12 birds\nred birds") == [
        "small red cup", "old table", "two-tone walls", "birds", "red birds",
    ]  # fmt: skip


def test_a_hyphen_joins_only_what_it_touches() -> None:
    assert runs("red - blue, long-haired cat-") == ["red", "blue", "long-haired cat"]


def test_stop_words_are_written_as_they_are_looked_up() -> None:
    assert all(word == word.casefold() for word in STOP_WORDS)
    assert is_stop_word("Don\N{RIGHT SINGLE QUOTATION MARK}t") and not is_stop_word("dog")
