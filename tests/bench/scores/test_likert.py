import pytest

from mmjudge.bench.scores.likert import LEVELS, likert_steps, read_score


@pytest.mark.parametrize("steps", [5, 10])
def test_levels_count_from_one(steps: int) -> None:
    read = [read_score(word, steps) for word in LEVELS[steps]]
    assert read == [float(level) for level in range(1, steps + 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" Outstanding\n```", 5.0),
        (" Outstanding.\n```", 5.0),
        ("EXTREMELY  poor", 1.0),
        ("**Good**", 4.0),
        ('"Average"', 3.0),
        (" 7\n", 7.0),
        (".5", 0.5),
        ("-1.25e-3", -0.00125),
        (4, 4.0),
        (0.25, 0.25),
    ],
)
def test_whole_words_and_numbers_are_read(text: object, expected: float) -> None:
    assert read_score(text, 5) == expected


@pytest.mark.parametrize(
    "value",
    ["N/A", "", "Good to outstanding", "Very Good", "4/5", "1_0", "1-2", "inf", None, True, [4]],
)
def test_anything_else_is_no_score(value: object) -> None:
    assert read_score(value, 5) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "1e999"])
def test_a_number_that_is_not_finite_is_an_error(value: object) -> None:
    with pytest.raises(ValueError, match="expected a finite number"):
        read_score(value, 5)


def test_a_word_that_only_ten_levels_have_tells_the_scale() -> None:
    assert likert_steps(["Good", " Very Good\n", 3]) == 10
    assert likert_steps(["Good", "Outstanding", "words", None]) == 5
    assert (read_score("Good", 10), read_score("Good", 5)) == (7.0, 4.0)
