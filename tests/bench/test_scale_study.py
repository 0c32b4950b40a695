import pytest

from mmjudge.bench.scale_study import SCALES, scale_contenders, scale_judges, scales_of
from mmjudge.judges.prompting.template_files import shipped_templates


def test_there_is_a_shipped_template_for_every_scale_and_perspective() -> None:
    judges = scale_judges("tiny", {"model": "m"}, ["alignment", "safety", "quality", "bias"])
    assert len(judges) == 20
    assert {table["template"] for table in judges.values()} <= set(shipped_templates())
    assert judges["tiny-likert-10-bias"] == {
        "kind": "vlm",
        "model": "m",
        "template": "bias-single-likert-10",
    }


def test_contenders_of_a_pattern_are_the_judges_that_are_hosted() -> None:
    judges = scale_judges("tiny", {}, ["safety", "bias"])
    contenders = scale_contenders("tiny-{scale}-{perspective}")
    assert list(contenders.values()) == list(SCALES)
    assert {
        name.format(perspective=perspective)
        for name in contenders
        for perspective in ("safety", "bias")
    } == set(judges)


@pytest.mark.parametrize("pattern", ["qwen", "qwen-{scale}", "qwen-{perspective}"])
def test_a_pattern_needs_both_placeholders(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"no \{(scale|perspective)\}; expected"):
        scale_contenders(pattern)


def test_a_study_is_several_contenders_named_alike_but_for_the_scale() -> None:
    study = {
        "qwen-numeric-5-{perspective}": "numeric-5",
        "qwen-numeric-10-{perspective}": "numeric-10",
    }
    others = ["clip", "llava-likert-5-{perspective}", "numeric-50", "qwen-numeric-5"]
    assert scales_of([*study, *others]) == study
