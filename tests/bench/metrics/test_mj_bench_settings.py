import pytest

from mmjudge.bench.metrics.mj_bench_settings import (
    PRESETS,
    BiasSettings,
    MjBenchSettings,
    PairSettings,
    preset,
)


def test_the_papers_recipe_is_what_settings_are_as_they_are_made() -> None:
    assert preset("paper") == MjBenchSettings() == PRESETS["paper"]
    assert PairSettings() == PairSettings("min-max by source", 0.05, "records")
    assert BiasSettings() == BiasSettings("min-max", 0.1, "groups")


def test_raw_takes_scores_as_they_are() -> None:
    assert preset("raw").pairs == PairSettings("none", 0.0)
    assert preset("raw").bias == BiasSettings("none", 0.1)


def test_an_unknown_preset_names_those_there_are() -> None:
    with pytest.raises(ValueError, match="preset 'papre': expected one of paper, raw"):
        preset("papre")


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: PairSettings(threshold=-0.1), "pairs.threshold: -0.1, expected a finite number"),
        (lambda: BiasSettings(threshold=float("nan")), "bias.threshold: nan, expected a finite"),
        (
            lambda: PairSettings(normalisation="min-max"),  # type: ignore[arg-type]
            "pairs.normalisation: 'min-max', expected one of 'min-max by source', 'none'",
        ),
        (
            lambda: PairSettings(weighting="groups"),  # type: ignore[arg-type]
            "pairs.weighting: 'groups', expected one of 'records', 'subcategories'",
        ),
        (
            lambda: BiasSettings(normalisation="z"),  # type: ignore[arg-type]
            "bias.normalisation: 'z', expected one of 'min-max', 'none'",
        ),
        (
            lambda: BiasSettings(weighting="images"),  # type: ignore[arg-type]
            "bias.weighting: 'images', expected one of 'groups', 'records'",
        ),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(made: type, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made()
