import numpy as np
import pytest

from mmjudge.cli.reward_colours import ABOVE, BELOW, INK, NONE, Colour, colour_of
from mmjudge.cli.word_rewards import Word, largest, rewarded, words_of
from mmjudge.contract import Score
from mmjudge.contract.verdicts import Grid

GRID = Grid(2, 2)


def score(
    spans: list[tuple[int, int]],
    values: list[float],
    regions: list[int] | None = None,
    grid: Grid | None = GRID,
) -> Score:
    return Score(
        spans=np.array(spans, np.int32).reshape(-1, 2),
        span_values=np.array(values, np.float32),
        regions=None if regions is None else np.array(regions, np.int32),
        grid=None if regions is None else grid,
    )


def test_words_and_what_is_between_are_the_whole_text() -> None:
    text = "Ein Löffel, 猫 da!"
    spans = [(0, 3), (4, 11), (13, 16), (17, 19)]
    pieces = words_of(score(spans, [0, 0.5, -0.25, 1], [-1, 0, 3, 2]), text)
    assert pieces == [
        "Ein ",
        Word("Löffel", 0.5, (0.0, 0.0, 0.5, 0.5)),
        ", ",
        Word("猫", -0.25, (0.5, 0.5, 1.0, 1.0)),
        " ",
        Word("da", 1.0, (0.0, 0.5, 0.5, 1.0)),
        "!",
    ]
    assert [word.text for word in rewarded(pieces)] == ["da", "Löffel", "猫"]
    assert largest(pieces) == 1.0


def test_what_has_no_reward_by_rule_is_no_word() -> None:
    assert words_of(score([(0, 1), (2, 3)], [0, 0], [-1, -1]), "a b") == ["a b"]
    # A reward of 0 that a patch speaks for is one.
    assert words_of(score([(0, 1)], [0], [1]), "a") == [Word("a", 0.0, (0.5, 0.0, 1.0, 0.5))]
    assert largest(["a b"]) == 1.0 and rewarded(["a b"]) == []


def test_judges_without_patches() -> None:
    assert words_of(score([(0, 1)], [0.5]), "a") == [Word("a", 0.5, None)]


def test_patches_are_cut_at_the_edges_of_the_image() -> None:
    padded = Grid(1, 4, (-0.5, 0.0, 1.5, 1.0))
    spans, values = [(i, i + 1) for i in range(4)], [1.0] * 4
    words = words_of(score(spans, values, [0, 1, 2, 3], padded), "abcd")
    assert [word.patch for word in words if isinstance(word, Word)] == [
        None,
        (0.0, 0.0, 0.5, 1.0),
        (0.5, 0.0, 1.0, 1.0),
        None,
    ]


def test_a_judge_of_whole_texts_has_no_words() -> None:
    with pytest.raises(ValueError, match="gave no rewards of words"):
        words_of(Score(0.5), "a")


def test_colours_are_of_the_sign_and_as_strong_as_the_reward() -> None:
    assert colour_of(0.0, 2.0) == NONE
    assert colour_of(2.0, 2.0) == colour_of(5.0, 2.0) == ABOVE
    assert colour_of(-2.0, 2.0) == BELOW
    middle = colour_of(1.0, 2.0)
    assert all(min(a, b) < c < max(a, b) for a, b, c in zip(NONE, ABOVE, middle, strict=True))


@pytest.mark.parametrize("colour", [ABOVE, NONE, BELOW])
def test_letters_are_readable_on_every_colour(colour: Colour) -> None:
    def luminance(rgb: Colour) -> float:  # as WCAG 2 has it
        linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in rgb]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert (luminance(colour) + 0.05) / (luminance(INK) + 0.05) >= 7
