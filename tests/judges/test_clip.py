"""Judge `clip` over a tower that sees mean colours and reads their names."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PIL
from torch import Tensor

from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Ask, Candidate, Item, Part, Want
from mmjudge.contract.verdicts import Judgement, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoder, DualEncoderConfig
from mmjudge.judges.clip import ClipJudge, ClipOptions
from mmjudge.judges.judge import Host, Judge
from mmjudge.judges.operation import Compute, Computed, I_contra, O, Operation, P

COLOURS: dict[str, list[float]] = {
    "red": [1, 0, 0],
    "green": [0, 1, 0],
    "blue": [0, 0, 1],
    "minus": [-1, -1, -1],
    "nan": [math.nan, 0, 0],
}
WORDS = [*COLOURS, *"abcdefghij"]


class ColourTower:
    """Images and texts as mixtures of red, green and blue."""

    dim = 3
    device = torch.device("cpu")
    context_length = 8
    text_lengths: Sequence[int] = (4, 8)
    grid: tuple[int, int] | None = None
    image_cost = 1
    logit_scale: float | None = None
    logit_bias: float | None = None
    pad_id = 0
    preprocessing = "mean colour"
    libraries: Sequence[str] = ("torch",)
    caution = "colours only"

    def __init__(self) -> None:
        self.weight = torch.zeros(1)
        self.texts: list[str] = []

    def preprocess(self, picture: PIL.Image) -> tuple[Tensor, ...]:
        """float32 [3]."""
        mean = np.asarray(picture.convert("RGB"), np.float32).mean((0, 1)) / 255
        return (torch.from_numpy(mean),)

    def tokenize(self, text: str) -> list[int]:
        """1, words, 2; a word that is not known is 3."""
        self.texts.append(text)
        known = [10 + WORDS.index(word) if word in WORDS else 3 for word in text.split()]
        return [1, *known, 2]

    def truncate(self, ids: list[int]) -> list[int]:
        """Keep the 2 at the end."""
        return [*ids[: self.context_length - 1], ids[-1]]

    def encode_images(self, *images: Tensor) -> tuple[Tensor, Tensor | None]:
        """[batch, 3] as it is."""
        return images[0], None

    def encode_texts(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor | None]:
        """The sum of the colours named."""
        rows = [
            sum(
                (torch.tensor(COLOURS.get(WORDS[i - 10], [0, 0, 0])) for i in row if i >= 10),
                torch.zeros(3),
            )
            for row in ids.tolist()
        ]
        return torch.stack(rows).float(), None

    def weights(self) -> Mapping[str, torch.nn.Module | Tensor]:
        """One number."""
        return {"weight": self.weight}


class DirectHost:
    """Runs operations one input at a time, without a server."""

    def __init__(self, tower: ColourTower) -> None:
        self.tower = tower

    def backbone(self, config: Any, load: Callable[[Any], Any]) -> Any:
        """A dual encoder over the tower, whatever is asked for."""
        return DualEncoder(config, self.tower)

    def serve(self, operation: Operation[I_contra, P, O]) -> Compute[I_contra, O]:
        """Prepare, then forward."""

        async def compute(value: I_contra) -> Computed[O]:
            await asyncio.sleep(0)
            prepared = operation.prepare(value)
            return Computed(operation.forward([prepared.payload])[0], prepared.notes)

        return compute


def clip(tower: ColourTower | None = None, **options: Any) -> ClipJudge:
    host: Host = DirectHost(tower or ColourTower())
    return ClipJudge("colours", ClipOptions(**options), DualEncoderConfig("some/model"), host)


def plain(*rgb: int) -> PixelImage:
    return PixelImage(np.full((2, 2, 3), rgb, np.uint8))


RED, GREEN, PURPLE = plain(255, 0, 0), plain(0, 255, 0), plain(255, 0, 255)


def item(prompt: list[Part], *candidates: Part) -> Item:
    return Item(prompt, [Candidate([part]) for part in candidates])


async def judged(judge: ClipJudge, it: Item, want: Want = Want.SCORE) -> Judgement:
    verdict = await judge.judge(it, Ask(want))
    assert isinstance(verdict.outcome, Judgement)
    return verdict.outcome


async def values(judge: ClipJudge, it: Item) -> list[float]:
    found = [score.value for score in (await judged(judge, it)).scores]
    return [value for value in found if value is not None]


async def refusal(judge: ClipJudge, it: Item) -> tuple[str, str]:
    with pytest.raises(ItemError) as raised:
        await judge.judge(it, Ask())
    return raised.value.error.reason, raised.value.error.field


def test_it_is_a_judge() -> None:
    judge: Judge = clip()
    kind: type[Judge] = ClipJudge
    assert isinstance(judge, kind)


async def test_the_cosine_of_what_fits_is_one_and_of_what_does_not_is_zero() -> None:
    assert await values(clip(), item(["red"], RED, GREEN, PURPLE)) == pytest.approx(
        [1, 0, math.sqrt(0.5)], abs=1e-7
    )


async def test_a_caption_scores_as_the_picture_of_it_does() -> None:
    assert await values(clip(), item([PURPLE], "red")) == await values(
        clip(), item(["red"], PURPLE)
    )


async def test_clipscore_is_two_and_a_half_times_the_cosine_and_never_negative() -> None:
    judge = clip(score="clipscore")
    scores = (await judged(judge, item(["red"], RED, GREEN))).scores
    assert [score.value for score in scores] == pytest.approx([2.5, 0], abs=1e-6)
    assert [score.by_criterion["cosine"] for score in scores] == pytest.approx([1, 0], abs=1e-6)
    (negative,) = (await judged(judge, item(["minus"], RED))).scores
    assert negative.value == 0 and negative.by_criterion["cosine"] < -0.5
    assert judge.info.range == (0, 2.5)


async def test_a_probability_is_the_sigmoid_as_trained() -> None:
    tower = ColourTower()
    tower.logit_scale, tower.logit_bias = 10.0, -3.0
    scores = (await judged(clip(tower, score="probability"), item(["red"], RED, GREEN))).scores
    assert [score.value for score in scores] == pytest.approx(
        [1 / (1 + math.exp(-7)), 1 / (1 + math.exp(3))]
    )


@pytest.mark.parametrize(("scale", "bias"), [(None, None), (10.0, None), (None, -3.0)])
def test_a_probability_of_a_model_trained_without_one_is_refused(
    scale: float | None, bias: float | None
) -> None:
    tower = ColourTower()
    tower.logit_scale, tower.logit_bias = scale, bias
    with pytest.raises(ValueError, match="some/model was trained without a sigmoid"):
        clip(tower, score="probability")


async def test_an_embedding_that_is_no_number_is_not_made_one() -> None:
    for score in ("cosine", "clipscore"):
        (value,) = await values(clip(score=score), item(["nan"], RED))
        assert math.isnan(value), score


async def test_rounding_never_leaves_the_range() -> None:
    rng = np.random.default_rng(0)
    images = [plain(*rng.integers(1, 255, 3).tolist()) for _ in range(50)]
    found = await values(clip(), item(["red green blue"], *images))
    assert all(-1 <= value <= 1 for value in found)
    assert await values(clip(), item(["red red red"], RED)) == [1.0]


async def test_the_template_is_what_the_encoder_reads() -> None:
    tower = ColourTower()
    await values(clip(tower, template="A photo depicts {text}"), item(["{text} red"], RED))
    assert tower.texts == ["A photo depicts {text} red"]


@pytest.mark.parametrize("template", ["a photo", "", "{text} {text}", "{txt}"])
def test_a_template_has_one_place_for_the_text(template: str) -> None:
    with pytest.raises(ValueError, match="expected {text} in it once"):
        clip(template=template)


@pytest.mark.parametrize("template", ["{text}", "A photo depicts {text}"])
@pytest.mark.parametrize("text", ["", " \n\t"])
async def test_an_empty_text_is_refused_whatever_stands_around_it(template: str, text: str) -> None:
    judge = clip(template=template)
    assert await refusal(judge, item([text], RED)) == ("TEXT_EMPTY", "prompt[0].text")
    assert await refusal(judge, item([RED], "red", text)) == (
        "TEXT_EMPTY",
        "candidates[1].parts[0].text",
    )


LONG = "red a b c d e f g h"


async def test_a_long_text_is_refused_with_its_path() -> None:
    assert await refusal(clip(), item(["x", RED], LONG)) == (
        "TEXT_TOO_LONG",
        "candidates[0].parts[0].text",
    )
    assert await refusal(clip(), item([RED, LONG], RED)) == ("TEXT_TOO_LONG", "prompt[1].text")


async def test_the_template_counts_towards_the_length() -> None:
    fits = "red a b c d e"
    assert await values(clip(), item([fits], RED)) == [1.0]
    assert (await refusal(clip(template="a {text}"), item([fits], RED)))[0] == "TEXT_TOO_LONG"


async def test_a_long_text_is_cut_and_noted_where_configured() -> None:
    verdict = await clip(long_text="truncate").judge(item([LONG], RED, GREEN), Ask())
    assert isinstance(verdict.outcome, Judgement)
    assert [score.value for score in verdict.outcome.scores] == [1.0, 0.0]
    (note,) = verdict.notes  # both candidates share the prompt, and its note is told once
    assert (note.code, note.field) == ("TEXT_TRUNCATED", "prompt[0].text")
    assert note.message == "11 tokens, of which 8 were read"


def turned(colour: str) -> EncodedImage:
    exif = PIL.Exif()
    exif[0x0112] = 6
    file = BytesIO()
    PIL.new("RGB", (3, 2), colour).save(file, "PNG", exif=exif)
    return EncodedImage(file.getvalue())


async def notes(it: Item) -> list[tuple[str, str]]:
    verdict: Verdict = await clip(long_text="truncate").judge(it, Ask())
    return [(note.code, note.field) for note in verdict.notes]


async def test_notes_say_which_part_they_are_on() -> None:
    assert await notes(item([LONG], turned("red"), RED, turned("red"))) == [
        ("IMAGE_ROTATED", "candidates[0].parts[0].image"),
        ("TEXT_TRUNCATED", "prompt[0].text"),
        ("IMAGE_ROTATED", "candidates[2].parts[0].image"),
    ]
    assert await notes(item(["look", turned("red")], "red", LONG)) == [
        ("IMAGE_ROTATED", "prompt[1].image"),
        ("TEXT_TRUNCATED", "candidates[1].parts[0].text"),
    ]


async def test_a_bad_image_is_told_with_its_path() -> None:
    broken = EncodedImage(b"no image")
    assert await refusal(clip(), item(["red"], RED, broken)) == (
        "IMAGE_UNDECODABLE",
        "candidates[1].parts[0].image",
    )
    assert await refusal(clip(), item([broken], "red")) == ("IMAGE_UNDECODABLE", "prompt[0].image")


async def test_what_makes_no_pair_is_refused() -> None:
    assert await refusal(clip(), item([], RED)) == ("PAIR_EXPECTED", "prompt")


async def test_a_preference_ranks_by_score_and_ties_share_a_rank() -> None:
    it = item(["red"], GREEN, RED, PURPLE, RED, plain(0, 0, 255))
    judgement = await judged(clip(), it, Want.PREFERENCE)
    assert judgement.ranks == (4, 1, 3, 1, 4)
    assert len(judgement.scores) == 5
    assert (await judged(clip(), it)).ranks == ()


async def test_the_example_can_be_judged() -> None:
    judge = clip()
    assert len(await values(judge, judge.example)) == 1


def test_the_tower_s_caution_is_passed_on() -> None:
    info = clip().info
    assert info.caution == "colours only" and "some/model" in info.description
    assert info.wants == (Want.SCORE, Want.PREFERENCE)


def fingerprint_of(tower: ColourTower | None = None, name: str = "colours", **config: Any) -> str:
    options = {k: config.pop(k) for k in ("score", "template", "long_text") if k in config}
    backbone = replace(DualEncoderConfig("some/model"), **config)
    host = DirectHost(tower or ColourTower())
    return ClipJudge(name, ClipOptions(**options), backbone, host).info.fingerprint


def changed_tower(**changes: Any) -> ColourTower:
    tower = ColourTower()
    for name, value in changes.items():
        setattr(tower, name, value)
    return tower


def test_all_that_changes_a_score_changes_the_fingerprint() -> None:
    fingerprints = [
        fingerprint_of(),
        fingerprint_of(score="clipscore"),
        fingerprint_of(template="a photo of {text}"),
        fingerprint_of(long_text="truncate"),
        fingerprint_of(dtype="bfloat16"),
        fingerprint_of(deterministic=False),
        fingerprint_of(changed_tower(weight=torch.ones(1))),
        fingerprint_of(changed_tower(preprocessing="another mean")),
        fingerprint_of(changed_tower(libraries=("torch", "numpy"))),
    ]
    assert len(set(fingerprints)) == len(fingerprints)


def test_nothing_else_changes_the_fingerprint() -> None:
    same = [
        fingerprint_of(),
        fingerprint_of(name="another name"),
        fingerprint_of(model="the same weights elsewhere"),
        fingerprint_of(revision="main"),
        fingerprint_of(device="cpu"),
        fingerprint_of(max_batch_items=3, max_batch_pixels=7),
        fingerprint_of(changed_tower(caution="other words")),
    ]
    assert len(set(same)) == 1
    assert len(same[0]) == 64


async def test_a_fingerprint_s_provenance_is_told() -> None:
    judge = clip(template="a {text}", long_text="truncate")
    provenance = judge.info.provenance
    assert provenance["template"] == "a {text}" and provenance["long text"] == "truncate"
    assert provenance["model"] == "some/model" and len(provenance["weights"]) == 64
    assert provenance["caution"] == "colours only"
