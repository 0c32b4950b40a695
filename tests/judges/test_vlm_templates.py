"""Templates of judge `vlm`: those shipped, files of one's own, and what is said of mistakes."""

from importlib.resources import files
from pathlib import Path

import pytest
from tests.judges.scripted_generator import ScriptedGenerator, judged, text_of, values, vlm

from mmjudge.contract.items import Ask, Want
from mmjudge.contract.verdicts import Abstention, Judgement
from mmjudge.judges.prompting.placeholders import TemplateError
from mmjudge.judges.prompting.template_files import load_template, shipped_templates

OWN = """
images = "single"
readout = "rating"
labels = ["RATING"]
text = "Rate {candidate} for {prompt} with {scale}."
[scale]
low = 1
high = 5
"""


def test_every_perspective_is_shipped_in_every_form() -> None:
    expected = {
        f"{perspective}-{layout}-{scale}"
        for perspective in ("alignment", "safety", "quality", "bias")
        for layout in ("single", "pair")
        for scale in ("numeric-5", "numeric-10", "likert-5", "likert-10")
        if (perspective, layout) != ("bias", "pair")
    }
    expected |= {f"{name}-expected-5" for name in ("alignment", "safety", "quality", "bias")}
    expected |= {"vqascore", "preference-pair", "preference-list", "sima-critic"}
    assert set(shipped_templates()) == expected | {"caption-faithfulness"}


@pytest.mark.parametrize("name", shipped_templates())
async def test_every_shipped_template_judges_its_example(name: str) -> None:
    generator = ScriptedGenerator(lambda *_: "no answer", chance=lambda _: {"1": 0.9, "Yes": 0.9})
    judge = vlm(generator, template=name)
    verdict = await judge.judge(judge.example, Ask(judge.info.wants[0]))
    assert isinstance(verdict.outcome, Judgement | Abstention)
    (question,) = generator.questions
    text = text_of(question)
    assert "{" not in text and "}" not in text
    assert "----- prompt begins" in text
    assert "\n\n\n" not in text
    assert judge.info.description and judge.info.caution


@pytest.mark.parametrize("name", shipped_templates())
def test_every_readout_that_a_template_supports_can_be_asked_for(name: str) -> None:
    digests = set()
    for readout in load_template(name).readouts:
        judge = vlm(template=name, readout=readout)
        assert judge.info.provenance["readout"] == readout
        digests.add(judge.info.fingerprint)
    assert len(digests) == len(load_template(name).readouts)


def test_shipped_templates_are_all_different() -> None:
    digests = {load_template(name).digest for name in shipped_templates()}
    assert len(digests) == len(shipped_templates())


def test_templates_are_data_of_the_package() -> None:
    folder = files("mmjudge.judges") / "templates"
    names = {file.name for file in folder.iterdir()}
    assert {"vqascore.toml", "preference-pair.toml", "sima-critic.toml", "parts"} <= names
    assert (folder / "parts" / "single.toml").is_file()


def test_scales_are_told_in_the_words_that_are_read() -> None:
    text = "".join(p.words + p.placeholder for p in load_template("bias-single-likert-5").pieces)
    assert "Rate the picture with scale." in text
    scale = load_template("bias-single-likert-10").scale
    assert scale is not None
    assert (scale.words[0], scale.words[9]) == ("Extremely Poor", "Outstanding")


async def test_a_file_of_ones_own_is_read(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(OWN)
    generator = ScriptedGenerator(lambda *_: "RATING: 4")
    judge = vlm(generator, template=str(file))
    assert values(await judged(judge, judge.example)) == [4]
    assert judge.info.provenance["template name"] == "mine"


async def test_a_file_may_change_a_shipped_template(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('extends = ["alignment-single-numeric-5"]\n[criteria]\nlight = "it is dark"\n')
    generator = ScriptedGenerator()
    judge = vlm(generator, template=str(file))
    await judged(judge, judge.example)
    assert "What counts:\n- light: it is dark\n" in text_of(generator.questions[0])
    assert judge.info.criteria == ("light",)
    assert judge.info.fingerprint != vlm(template="alignment-single-numeric-5").info.fingerprint


async def test_a_file_may_extend_parts_and_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('extends = ["safety", "numeric-5"]\nsystem = "Be just."')
    file = tmp_path / "mine.toml"
    file.write_text('extends = ["base.toml", "single"]')
    generator = ScriptedGenerator()
    judge = vlm(generator, template=str(file))
    await judged(judge, judge.example)
    assert [message.role for message in generator.questions[0].messages] == ["system", "user"]


async def test_texts_stand_in_line_without_a_fence(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'images = "single"\nreadout = "yes_probability"\nanswers = ["Yes"]\nfence = false\n'
        "text = '{candidate}Does it show \"{prompt}\"? Yes or no? {{}}'"
    )
    generator = ScriptedGenerator()
    judge = vlm(generator, template=str(file))
    await judged(judge, judge.example)
    shown = '<grey 128>Does it show "a grey square"? Yes or no? {}'
    assert text_of(generator.questions[0]) == shown
    assert "unmarked" in judge.info.caution


async def test_a_score_tag_stands_after_its_heading(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    tagged = OWN.replace('"rating"', '"score_tag"').replace('["RATING"]', '["### Score"]')
    file.write_text(tagged)
    judge = vlm(ScriptedGenerator(lambda *_: "Fine.\n### Score\n4"), template=str(file))
    judgement = await judged(judge, judge.example)
    assert values(judgement) == [4]
    assert judgement.scores[0].rationale == "Fine."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            OWN.replace("{prompt}", "{promt}"),
            r"unknown placeholder \{promt\}; did you mean 'prompt",
        ),
        (
            OWN.replace("{candidate}", "{candidate_1}"),
            r"\{candidate_1\} has no place with images = 's",
        ),
        (OWN.replace("{candidate}", "it"), r"text: no placeholder \{candidate\}"),
        (OWN.replace("{prompt}", "{prompt!r}"), r"text: placeholder \{prompt\}: expected a name"),
        (OWN.replace("{prompt}", "{prompt"), "text: expected '}'|text: unmatched|text: .*brace"),
        (
            OWN.replace('readout = "rating"\n', ""),
            "readout: missing; expected one of rating, choice",
        ),
        (OWN.replace('"rating"', '"ratings"'), "readout: 'ratings'; did you mean 'rating'"),
        (OWN.replace('"single"', '"pairs"'), "images: 'pairs'; did you mean 'pair'"),
        (OWN.replace("labels", "lables"), "lables: unknown key; did you mean 'labels'"),
        (OWN.replace('["RATING"]', "[]"), "labels: 0 of them, expected 1"),
        (OWN.replace('["RATING"]', '"RATING"'), "labels: 'RATING', expected an array"),
        (OWN.replace("low = 1", "low = 5"), "scale: scale of 5 to 5"),
        (OWN.replace("low = 1", 'low = "1"'), "scale.low: '1', expected an integer"),
        (OWN.replace("low =", "lowest ="), "scale.lowest: unknown key; did you mean 'low'"),
        (OWN.partition("[scale]")[0], "scale: missing"),
        (OWN.replace("{prompt}", "{criteria}"), "criteria: missing, but the text has {criteria}"),
        (OWN + '[endings]\nratin = "x"', "endings: 'ratin'; did you mean 'rating'"),
        (OWN + '[endings]\nranking = "x"', "endings.rating: missing, but it is the readout"),
        (OWN + '[endings]\nrating = "x"\nchoice = "y"', "images: 'single'; readout 'choice' goes"),
        ('needs = ["candidate pixels"]' + OWN, "needs: 'candidate pixels'; did you mean"),
        ("fence = 1" + OWN, "fence: 1, expected true or false"),
        ('extends = ["saftey"]' + OWN, "extends: no template or part 'saftey'; did you mean 'safe"),
        ("extends = 1" + OWN, "extends: 1, expected an array of names"),
        (OWN.replace('"rating"', '"score_tag"').replace('["RATING"]', "[]"), "labels: 0 of them"),
        (
            OWN.replace('"rating"', '"yes_probability"'),
            "answers: 0 of them, expected the one whose probability",
        ),
        (
            OWN.replace("high = 5", 'high = 2\nwords = ["a", "b"]').replace(
                '"rating"', '"expected_rating"'
            ),
            "scale.words: readout 'expected_rating' reads numbers",
        ),
        ("text = ", "not TOML"),
    ],
)
def test_mistakes_are_named_by_file_and_key(tmp_path: Path, text: str, fault: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(TemplateError, match=fault) as caught:
        vlm(template=str(file))
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("alignment-single-likert-7", "none of that name is shipped; did you mean 'alignment-s"),
        ("bias-pair-numeric-5", "none of that name is shipped"),
        ("nowhere.toml", "nowhere.toml: cannot be read"),
    ],
)
def test_a_template_that_is_not_there_is_named(name: str, fault: str) -> None:
    with pytest.raises(TemplateError, match=fault):
        vlm(template=name)


def test_a_pair_needs_names_for_both() -> None:
    template = load_template("preference-pair")
    with pytest.raises(TemplateError, match="answers: 1 of them, expected the names"):
        type(template)("x", template.text, "pair", "choice", criteria={"a": "b"}, answers=("1",))


def test_preference_is_all_that_orders_give() -> None:
    assert vlm(template="preference-list").info.wants == (Want.PREFERENCE,)
