"""Judge `visual_dependence` over a judge of brightness: differences, absences, its section."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.judges.brightness import BrightnessBackbone, BrightnessJudge, BrightnessOptions
from tests.judges.direct_host import DirectHost
from tests.judges.golden_models import verdicts
from tests.judges.test_clip import turned

from mmjudge.client import LocalClient
from mmjudge.contract.errors import Error, ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Ask, Candidate, Item, Part, Want
from mmjudge.contract.verdicts import Abstention, Judgement, Score
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig
from mmjudge.judges.clip import ClipJudge, ClipOptions
from mmjudge.judges.judge import Judge, JudgeConfig
from mmjudge.judges.judge_files import NotPulled, judge_files
from mmjudge.judges.visual_dependence import (
    VisualDependenceBackbone,
    VisualDependenceJudge,
    VisualDependenceOptions,
)
from mmjudge.server.strict import ConfigError

KIND = "mmjudge.judges.visual_dependence:VisualDependenceJudge"
WHITE, BLACK = (PixelImage(np.full((8, 8, 3), value, np.uint8)) for value in (255, 0))


def dependence(
    host: DirectHost | None = None, scorer: dict[str, Any] | None = None, **options: Any
) -> VisualDependenceJudge:
    config = JudgeConfig(
        "it.scorer", BrightnessJudge, BrightnessBackbone(), BrightnessOptions(**scorer or {})
    )
    return VisualDependenceJudge(
        "it",
        VisualDependenceOptions(config, **options),
        VisualDependenceBackbone(),
        host or DirectHost(),
    )


def section(scorer: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    inner = {"kind": "tests.judges.brightness:BrightnessJudge"} | (scorer or {})
    return {"kind": KIND, "scorer": inner} | options


def images(*candidates: Part, prompt: list[Part] | None = None) -> Item:
    return Item(prompt or [], [Candidate([one]) for one in candidates], id="it")


async def scores(judge: VisualDependenceJudge, item: Item) -> tuple[Score, ...]:
    verdict = await judge.judge(item, Ask())
    assert isinstance(verdict.outcome, Judgement), verdict.outcome
    return verdict.outcome.scores


def asked(judge: VisualDependenceJudge) -> list[Item]:
    """The items that the scorer saw."""
    scorer = judge._scorer
    assert isinstance(scorer, BrightnessJudge)
    return scorer.asked


def pixels(part: Part) -> np.ndarray[Any, np.dtype[np.uint8]]:
    assert isinstance(part, PixelImage)
    return part.pixels


def test_it_is_a_judge() -> None:
    judge: Judge = dependence()
    kind: type[Judge] = VisualDependenceJudge
    assert isinstance(judge, kind)


async def test_it_is_the_score_less_that_of_the_noisy_copy() -> None:
    judge = dependence()
    white, black = await scores(judge, images(WHITE, BLACK))
    clean, noisy = asked(judge)
    for index, (score, value) in enumerate(((white, 1.0), (black, 0.0))):
        mean = float(pixels(noisy.candidates[index].parts[0]).mean()) / 255
        assert score.by_criterion == {"clean": value, "noisy": pytest.approx(mean)}
        assert score.value == pytest.approx(value - mean)
    assert white.value is not None and black.value is not None and white.value > 0 > black.value
    assert clean.candidates[0].parts == [WHITE]


async def test_a_preference_ranks_by_the_differences() -> None:
    verdict = await dependence().judge(images(BLACK, WHITE), Ask(Want.PREFERENCE))
    assert verdict.judgement is not None and verdict.judgement.ranks == (2, 1)
    (note,) = verdict.notes  # the scorer's, of both copies, told once
    assert note.code == "SEEN"


async def test_the_images_of_prompt_and_candidates_are_noised_and_nothing_else() -> None:
    judge = dependence()
    item = Item(
        ["look", WHITE],
        [Candidate(["a", BLACK], np.array([[0, 1]], np.int32)), Candidate([BLACK])],
        [["reference", WHITE]],
        {"category": "x"},
        "it",
    )
    await scores(judge, item)
    _, copy = asked(judge)
    assert copy.prompt[0] == "look" and copy.candidates[0].parts[0] == "a"
    assert copy.candidates[0].spans is item.candidates[0].spans
    assert (copy.references, copy.attributes, copy.id) == (item.references, item.attributes, "it")
    assert (pixels(copy.prompt[1]) != 255).any()
    one, other = (pixels(candidate.parts[-1]) for candidate in copy.candidates)
    assert (one != 0).any() and (one == other).all()  # equal images get equal noise


async def test_images_that_the_scorer_does_not_read_are_left_alone() -> None:
    judge = dependence(scorer={"reads": "prompt"})
    await scores(judge, images(WHITE, prompt=[BLACK]))
    _, copy = asked(judge)
    assert copy.candidates[0].parts[0] is WHITE and copy.prompt[0] is not BLACK


async def test_several_draws_are_averaged() -> None:
    host = DirectHost()
    judge = dependence(host, draws=3)
    (score,) = await scores(judge, images(WHITE))
    _, *copies = asked(judge)
    means = [float(pixels(copy.candidates[0].parts[0]).mean()) / 255 for copy in copies]
    assert len(set(means)) == 3
    assert score.by_criterion["noisy"] == pytest.approx(sum(means) / 3)
    assert host.ran["copies"] == 3
    (alone,) = await scores(dependence(), images(WHITE))
    assert alone.by_criterion["noisy"] == pytest.approx(means[0])


async def test_a_score_is_the_same_again_and_another_with_another_seed_or_step() -> None:
    judges = [dependence(), dependence(), dependence(seed=1), dependence(step=900)]
    values = [(await scores(judge, images(WHITE)))[0].value for judge in judges]
    assert values[0] == values[1] and len(set(values)) == 3


async def test_a_turned_image_is_noised_upright() -> None:
    judge = dependence()
    await scores(judge, images(turned("white")))
    _, copy = asked(judge)
    assert pixels(copy.candidates[0].parts[0]).shape == (3, 2, 3)


FAULTS = {
    "item": ("IMAGE_BAD", "scorer, on a noisy copy: not to its taste"),
    "nan": ("SCORE_NOT_FINITE", "scorer, on a noisy copy: computed NaN or infinity for"),
    "short": ("SCORE_COUNT", "scorer, on a noisy copy: gave 0 scores for 1 candidates"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_goes_wrong_on_the_copy_is_the_verdict(fault: str) -> None:
    verdict = await dependence(scorer={"fault": fault}).judge(images(WHITE), Ask())
    assert isinstance(verdict.outcome, Error)
    reason, message = FAULTS[fault]
    assert verdict.outcome.reason == reason and verdict.outcome.message.startswith(message)


async def test_an_abstention_on_either_is_the_verdict() -> None:
    judge = dependence(scorer={"fault": "abstains"})
    striped = PixelImage(np.arange(48, dtype=np.uint8).reshape(4, 4, 3))
    for image, name in ((striped, "scorer: "), (WHITE, "scorer, on a noisy copy: ")):
        verdict = await judge.judge(images(image), Ask())
        assert isinstance(verdict.outcome, Abstention)
        assert verdict.outcome.message == f"{name}would rather not"
        assert verdict.outcome.raw_text == "no"


async def test_an_item_without_images_to_put_noise_on_is_refused() -> None:
    judge = dependence(scorer={"reads": "prompt"})
    with pytest.raises(ItemError) as raised:
        await judge.judge(images(WHITE, prompt=["no image"]), Ask())
    assert (raised.value.error.reason, raised.value.error.field) == ("IMAGE_EXPECTED", "prompt")


def test_a_broken_image_keeps_its_path() -> None:
    broken = Item(["red"], [Candidate([WHITE]), Candidate([EncodedImage(b"no image")])])
    clip = {"kind": "mmjudge.judges.clip:ClipJudge", "model": "photo-lite"}
    with LocalClient({"it": {"kind": KIND, "scorer": clip}}) as client:
        (verdict,) = verdicts(client, "it", [broken])
    assert isinstance(verdict.outcome, Error)
    assert verdict.outcome.reason == "IMAGE_UNDECODABLE"
    assert verdict.outcome.field == "candidates[1].parts[0].image"
    assert verdict.outcome.message.startswith("scorer: ")


def test_captions_share_the_noisy_copy_of_their_image() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    item = Item([PixelImage(noise)], [Candidate(["a cat"]), Candidate(["noise"])])
    clip = {"kind": "mmjudge.judges.clip:ClipJudge", "model": "photo-lite"}
    with LocalClient({"it": {"kind": KIND, "scorer": clip}, "alone": clip}) as client:
        (verdict,) = verdicts(client, "it", [item])
        (plainly,) = verdicts(client, "alone", [item])
        again = verdicts(client, "it", [item])[0]
    assert verdict.judgement and plainly.judgement and again.judgement
    for one, alone, twice in zip(
        verdict.judgement.scores, plainly.judgement.scores, again.judgement.scores, strict=True
    ):
        assert one.by_criterion["clean"] == alone.value
        assert one.value == twice.value != 0


def test_what_it_tells_of_itself() -> None:
    with LocalClient({"it": section(draws=2)}) as client:
        info = client.list_judges().judges["it"]
    assert info.range == (-0.75, 0.75)
    assert info.wants == (Want.SCORE, Want.PREFERENCE)
    assert "0.863 of the picture, sigma 0.505" in info.description
    assert info.caution == "no judge"
    assert info.provenance["scorer.fault"] == ""
    assert info.provenance["noise seed"] == "0, 2 draws"
    assert dependence(scorer={"gives": "scores"}).info.wants == (Want.SCORE,)


def test_all_that_changes_a_score_changes_the_fingerprint() -> None:
    changes: list[dict[str, Any]] = [
        {}, {"seed": 1}, {"draws": 2}, {"step": 1}, {"schedule_steps": 501},
        {"beta_first": 1e-4}, {"beta_last": 1e-2}, {"scorer": {"fault": "item"}},
    ]  # fmt: skip
    found = [dependence(**options).info.fingerprint for options in changes]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"kind": KIND}, "judges.it.scorer: missing"),
        ({"kind": KIND, "scorer": 1}, "judges.it.scorer: 1, expected a table"),
        ({"kind": KIND, "scorer": {}}, "judges.it.scorer.kind: None, expected the name"),
        (section({"falt": ""}), "judges.it.scorer.falt: unknown key; did you mean 'fault'"),
        (section({"backbone": "x"}), "judges.it.scorer.backbone: 'x'"),
        (section({"gives": "steps"}), "judges.it: scorer: kind 'brightness' gives no scores"),
        (section({"reads": "nothing"}), "judges.it: scorer: kind 'brightness' reads no images"),
        (
            section({"kind": "mmjudge.judges.clip:ClipJudge", "model": "x", "template": "y"}),
            "judges.it: scorer: ",
        ),
        (section(draws=0), "judges.it: draws: 0, expected at least 1"),
        (section(step=1000), "judges.it: step: 1000, expected 0 to 999"),
        (section(schedule_steps=0), "judges.it: schedule of 0 steps"),
    ],
)
def test_mistakes_in_its_section_are_named(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        LocalClient({"it": table})


def test_its_files_are_its_scorer_s() -> None:
    clip = JudgeConfig(
        "it.scorer", ClipJudge, DualEncoderConfig("local-dir:/nowhere"), ClipOptions()
    )
    inside = JudgeConfig(
        "it", VisualDependenceJudge, VisualDependenceBackbone(), VisualDependenceOptions(clip)
    )
    with pytest.raises(NotPulled, match=r"^judges.it.scorer: "):
        judge_files(inside)
    photo_lite = replace(clip, backbone=DualEncoderConfig("photo-lite"))
    options = VisualDependenceOptions(photo_lite)
    assert judge_files(replace(inside, options=options)) == judge_files(photo_lite)
