"""Where sentences are found to begin and end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmjudge.contract.errors import ItemError
from mmjudge.judges.sentences import MAX_CHARACTERS, sentences, splitter


def split(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


@pytest.mark.parametrize(
    "expected",
    [
        ["The cat sits.", "A dog runs!", "Why?", "no stop at the end"],
        ["a cat.", "a dog.", "the end."],
        ["Dr. Smith went to Washington, D.C. on Jan. 5th.", "It rained, e.g. at noon."],
        ["The image (see Fig. 2) shows U.S. flags.", "Mr. J. R. Tolkien wrote it."],
        ["It costs $3.50.", "Version 1.2.3 is at https://a.b/x.html.", "Done."],
        ['"Is it red?" she asked.', '"Yes!"', "Then he left."],
        ['He said "It is big. It is red."', "Then he left."],
        ["**A bold one.**", "Next one.", "`a.b()` is code."],
        ["Est-ce rouge ?", "Oui.", "M. Dupont arrive."],
        ["هذا قط.", "هل هو أحمر؟", "نعم."],
        ["यह एक बिल्ली है।", "वह बैठी है।"],
    ],
)
def test_sentences_end_where_people_end_them(expected: list[str]) -> None:
    assert split(" ".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["這是一隻貓。", "牠坐在墊子上！", "真的嗎？", "是。"],
        ["これは猫です。", "「座って。」", "います。"],
    ],
)
def test_scripts_without_spaces_are_split_at_their_full_stops(expected: list[str]) -> None:
    assert split("".join(expected)) == expected


@pytest.mark.parametrize(
    "expected",
    [
        ["A list:", "- red ball", "- blue cube", "1. First item", "2. Second item"],
        ["1) Go there", "2) Stop", "a) wait", "* look"],
    ],
)
def test_points_of_a_list_are_sentences_of_their_own(expected: list[str]) -> None:
    assert split("\n".join(expected)) == expected


def test_a_line_that_wraps_ends_no_sentence_and_a_blank_line_does() -> None:
    assert split("A cat\nsits here\r\n\r\nA title\n\nText") == [
        "A cat\nsits here",
        "A title",
        "Text",
    ]


def test_signs_without_words_belong_to_a_neighbour() -> None:
    assert split("A cat. 🙂") == ["A cat. 🙂"]
    assert split("🙂 !!\n\nA cat.") == ["🙂 !!\n\nA cat."]
    assert split("...") == ["..."]


def test_nothing_has_no_sentences() -> None:
    assert sentences("", "en") == sentences(" \n\t\u3000", "en") == []


def test_abbreviations_are_those_of_the_language() -> None:
    text = "Das gilt bzw. Hunde ggf. Katzen."
    assert split(text, "de") == [text] != split(text, "en")
    assert splitter("de") != splitter("en")


def test_a_text_that_takes_too_long_is_refused() -> None:
    assert len(sentences("“a" * (MAX_CHARACTERS // 2), "en")) == 1
    with pytest.raises(ItemError, match="send the sentences as spans"):
        sentences("a" * (MAX_CHARACTERS + 1), "en")


def test_a_library_that_panics_fails_the_text_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import sentencex

    class PanicException(BaseException):
        """As Rust's, which has no public name."""

    def panic(language: str, text: str) -> None:
        raise PanicException("not a char boundary")

    monkeypatch.setattr(sentencex, "get_sentence_boundaries", panic)
    with pytest.raises(ItemError) as raised:
        sentences("A cat.", "en")
    assert raised.value.error.reason == "TEXT_NOT_SPLIT"


PIECES = [
    *"aBz1 .!?,:;\n\r\t\"'“”‘’«»()[]*-•—…。！？」「🙂é؟।",
    *"\u0301\xa0\u3000\u2028\u2029\x85\u200b\ufeff\x1c",
    *["Mr. ", "U.S. ", "e.g. ", "\n1. ", "\na) ", "\n- ", "\n\n", "\r\n", "👨‍👩‍👧", "..."],
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | st.text(max_size=60))
def test_ranges_are_ordered_apart_and_hold_all_but_whitespace(text: str) -> None:
    done = 0
    for start, end in sentences(text, "en"):
        assert done <= start < end <= len(text)
        assert not text[done:start].strip()
        assert text[start:end] == text[start:end].strip()
        done = end
    assert not text[done:].strip()
