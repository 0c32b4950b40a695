"""MJ-Bench's template folder, in miniature and in our own words."""

from pathlib import Path

import pytest
from tests.judges.scripted_generator import (
    ScriptedGenerator,
    candidates,
    judged,
    picture,
    text_of,
    values,
    vlm,
)

from mmjudge.contract.info import Input
from mmjudge.contract.items import Candidate, Item, Want
from mmjudge.judges.prompting.mj_bench_templates import load_mj_bench
from mmjudge.judges.prompting.placeholders import TemplateError

NUMBERS = "[1, 2, 3, 4, 5]"
WORDS = '["Extremely Poor", "Poor", "Average", "Good", "Outstanding"]'
SINGLE = "How safe? Scale: {scale}.\n```\nANALYSIS: why\n{label}: it alone\n```\nFor: {{caption}}\n"
MULTI = (
    "Rate both by {scale}; the better of [0, 1, 2].\nIMAGE-1 RATING: x\nIMAGE-2 RATING: y\n"
    "BETTER IMAGE: z\nANALYSIS OF CHOICE: why\nFor: {{caption}}"
)


def folder(tmp_path: Path, **texts: str) -> str:
    for name, text in texts.items():
        kind = "multi" if "_multi_" in name else "single"
        file = tmp_path / f"prompts_{kind}_image" / f"{name}.txt"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return str(tmp_path)


def single(scale: str = NUMBERS, label: str = "SAFETY-RATING") -> str:
    return SINGLE.format(scale=scale, label=label)


async def test_the_text_is_word_for_word_after_the_picture(tmp_path: Path) -> None:
    name = "safety_single_number_scale5"
    where = folder(tmp_path, **{name: single() + '{{"SAFETY-RATING": "n"}}\n'})
    generator = ScriptedGenerator(lambda *_: '{"SAFETY-RATING": "4"}')
    judge = vlm(generator, template=name, templates=where)
    judgement = await judged(judge, Item(["a {cat} on a mat"], candidates(3)))
    assert values(judgement) == [4]
    image, text = generator.questions[0].messages[0].parts
    assert generator.questions[0].images == (image,)
    assert text == (
        "How safe? Scale: [1, 2, 3, 4, 5].\n```\nANALYSIS: why\nSAFETY-RATING: it alone\n```\n"
        'For: a {cat} on a mat\n{"SAFETY-RATING": "n"}\n'
    )
    assert judge.info.range == (1, 5)
    assert judge.info.reads == (Input.PROMPT_TEXT, Input.CANDIDATE_IMAGE)
    assert "unmarked" in judge.info.caution
    assert "promises" not in judge.info.caution


async def test_two_pictures_come_before_the_text_and_both_are_rated(tmp_path: Path) -> None:
    name = "artifacts_multi_narrative_scale5"
    where = folder(tmp_path, **{name: MULTI.format(scale=WORDS)})
    reply = (
        "IMAGE-1 RATING: Poor\n\nIMAGE-2 RATING: Good\n\nBETTER IMAGE: 2\n\nANALYSIS OF CHOICE: x"
    )
    generator = ScriptedGenerator(lambda *_: reply)
    judge = vlm(generator, template=name, templates=where)
    judgement = await judged(judge, Item(["a cat"], candidates(3, 7)), Want.PREFERENCE)
    assert (values(judgement), judgement.ranks) == ([2, 4], (2, 1))
    assert text_of(generator.questions[0]).startswith("<grey 3><grey 7>Rate both by [")
    template = load_mj_bench(where, name)
    assert (template.perspective, template.order) == ("quality", "answer first")


async def test_what_the_published_ones_do_not_read_is_not_shown(tmp_path: Path) -> None:
    name = "safety_single_number_scale5"
    where = folder(tmp_path, **{name: single()})
    generator = ScriptedGenerator(lambda *_: "RATING: 4")
    judge = vlm(generator, template=name, templates=where)
    await judged(judge, Item([picture(1), "a cat"], [Candidate(["seen", picture(2)])]))
    assert "seen" not in text_of(generator.questions[0])
    assert len(generator.questions[0].images) == 1


@pytest.mark.parametrize(
    ("name", "scale", "ends"),
    [
        ("alignment_single_number_scale10", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]", (1, 10)),
        ("alignment_single_number_scale1", "from 0.0 to 1.0", (0, 1)),
        ("alignment_single_number_scale100", "from 1 to 100", (1, 100)),
        ("alignment_single_narrative_scale5", WORDS, (1, 5)),
    ],
)
def test_the_scale_is_that_of_the_name_and_the_text(
    tmp_path: Path, name: str, scale: str, ends: tuple[int, int]
) -> None:
    template = load_mj_bench(folder(tmp_path, **{name: single(scale, "ALIGNMENT-RATING")}), name)
    assert template.scale is not None
    assert (template.scale.low, template.scale.high) == ends
    assert "promises" not in template.caution


def test_a_scale_other_than_the_names_is_read_and_told(tmp_path: Path) -> None:
    name = "bias_single_number_scale5"
    ten = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
    judge = vlm(template=name, templates=folder(tmp_path, **{name: single(ten, "RATING")}))
    assert judge.info.range == (1, 10)
    assert "promises ratings of 1 to 5, the text offers 1 to 10" in judge.info.caution


def test_a_label_of_another_perspective_is_read_and_told(tmp_path: Path) -> None:
    name = "safety_single_number_scale5"
    where = folder(tmp_path, **{name: single(label="BIAS-FAIRNESS-RATING")})
    template = load_mj_bench(where, name)
    assert template.labels == ("BIAS-FAIRNESS-RATING",)
    assert "the name says safety, the text asks for BIAS-FAIRNESS-RATING" in template.caution


def test_of_two_labels_that_of_the_form_is_read(tmp_path: Path) -> None:
    name = "bias_single_number_scale5"
    where = folder(tmp_path, **{name: "Give a BIAS-FAIRNESS-RATING. " + single()})
    template = load_mj_bench(where, name)
    assert template.labels == ("SAFETY-RATING",)
    told = "asks for BIAS-FAIRNESS-RATING, its form for SAFETY-RATING, which is read"
    assert told in template.caution


def test_a_form_of_json_names_its_label_and_no_other(tmp_path: Path) -> None:
    name = "alignment_single_number_scale5"
    form = '{{"ANALYSIS": "YOUR ANALYSIS"}} {{"ALIGNMENT-RATING": "YOUR RATING"}}'
    text = f"Give the ALIGNMENT-RATING, one of {NUMBERS}: {form} for {{caption}}"
    template = load_mj_bench(folder(tmp_path, **{name: text}), name)
    assert (template.labels, template.caution) == (("ALIGNMENT-RATING",), "")


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("safety_single_number_scale5", single().replace("{caption}", "it"), "placeholders none"),
        (
            "safety_single_number_scale5",
            single() + "{prompt}",
            r"placeholders \{caption\}, \{prompt",
        ),
        ("safety_single_number_scale5", single() + "{", "text: .*expected {{ and }} for braces"),
        (
            "safety_single_number_scale5",
            single("good or bad"),
            "scales offered: none; expected one",
        ),
        (
            "safety_single_number_scale5",
            single("[1, 2, 3] or from 1 to 100"),
            "scales offered: 1 to 3, 1 to 100",
        ),
        ("safety_single_narrative_scale5", single(), "0 lists of words, expected one scale"),
        ("safety_single_number_scale5", single(label="NUMBER"), "no form to be filled in"),
        (
            "safety_multi_number_scale5",
            single(),
            "does not ask for IMAGE-1 RATING and IMAGE-2 RATING",
        ),
        ("safety_single_number_scale7", single(), "the name says nothing; expected {alignment"),
        ("notes", single(), "the name says nothing"),
    ],
)
def test_files_that_do_not_fit_are_refused(
    tmp_path: Path, name: str, text: str, fault: str
) -> None:
    with pytest.raises(TemplateError, match=fault):
        vlm(template=name, templates=folder(tmp_path, **{name: text}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no text file in"):
        vlm(template="safety_single_number_scale5", templates=str(tmp_path))
    where = folder(tmp_path, safety_single_number_scale5=single())
    with pytest.raises(TemplateError, match="did you mean 'safety_single_number_scale5'"):
        vlm(template="safety_single_number_scale10", templates=where)


def test_two_files_of_one_name_that_differ_are_refused(tmp_path: Path) -> None:
    name = "safety_single_number_scale5"
    where = folder(tmp_path, **{name: single()})
    (tmp_path / f"{name}.txt").write_text(single() + "!")
    with pytest.raises(TemplateError, match="differ; name the folder of one of them"):
        vlm(template=name, templates=where)


def test_another_text_is_another_fingerprint(tmp_path: Path) -> None:
    name = "safety_single_number_scale5"
    first = vlm(template=name, templates=folder(tmp_path, **{name: single()})).info
    again = vlm(template=name, templates=folder(tmp_path, **{name: single() + "!"})).info
    assert first.fingerprint != again.fingerprint
