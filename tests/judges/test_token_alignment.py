"""Judge `token_alignment`: rewards of words on callers' tokens, and items that it refuses."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PIL
from tests.judges.direct_host import DirectHost
from tests.judges.golden_models import refusal
from tests.judges.word_items import IMAGES, TEXT, item, make
from torch import Tensor

from mmjudge.client import LocalClient
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.image_encoding import ImageEncoding
from mmjudge.judges.backbones.photo_lite import PhotoLite
from mmjudge.judges.token_alignment import TokenAlignmentJudge
from mmjudge.judges.token_alignment_options import TokenAlignmentOptions

KIND = "mmjudge.judges.token_alignment:TokenAlignmentJudge"
RNG = np.random.default_rng(1)
WORDS = "red cat wooden table dog astronaut the of a and sits near blue 7".split()


@pytest.fixture(scope="module")
def judges(clip_folder: Path, open_clip_folder: Path) -> dict[str, dict[str, Any]]:
    settings: dict[str, dict[str, Any]] = {
        "photo-lite": {},
        "context": {"embed": "context"},
        "phrase": {"unit": "phrase", "embed": "context", "source": "softmax"},
        "span": {"unit": "span", "embed": "context", "map": "split"},
        "split": {"map": "split", "source": "mean"},
        "global": {"source": "global"},
        "sign": {"transform": "sign", "mean_correct": 0.02, "mean_hallucinated": -0.02},
        "clip": {"model": f"transformers:{clip_folder}", "embed": "context"},
        "open_clip": {"model": f"local-dir:{open_clip_folder}", "embed": "context"},
    }
    return {name: {"kind": KIND} | options for name, options in settings.items()}


@pytest.fixture(scope="module")
def client(judges: dict[str, dict[str, Any]]) -> Iterator[LocalClient]:
    with LocalClient(judges) as it:
        yield it


JUDGES = ["photo-lite", "context", "phrase", "global", "sign", "clip", "open_clip"]


def judged(client: LocalClient, judge: str, *items: Item, regions: bool = False) -> list[Verdict]:
    return list(client.judge(list(items), judges=judge, want=Want.TOKEN_REWARDS, regions=regions))


def scores(client: LocalClient, judge: str, *items: Item, regions: bool = False) -> list[Score]:
    found: list[Score] = []
    for verdict in judged(client, judge, *items, regions=regions):
        assert verdict.judgement is not None, verdict.outcome
        found += verdict.judgement.scores
    return found


def words_of(score: Score, text: str) -> dict[str, float]:
    assert score.spans is not None and score.span_values is not None
    data = text.encode()
    cut = [data[start:end].decode() for start, end in score.spans.tolist()]
    return dict(zip(cut, score.span_values.tolist(), strict=True))


@pytest.mark.parametrize("judge", JUDGES)
def test_words_are_rewarded_and_the_rest_is_zero(client: LocalClient, judge: str) -> None:
    (score,) = scores(client, judge, item(IMAGES[0], TEXT))
    rewards = words_of(score, TEXT)
    phrases = ["tabby cat", "wooden tables"]
    seen = phrases if judge == "phrase" else " ".join(phrases).split()
    assert [word for word in rewards if word in seen] == seen
    assert all(rewards[word] == 0 for word in ("A", ",", "on", "2", "."))
    assert score.value == pytest.approx(np.mean([rewards[word] for word in seen]), abs=1e-7)
    if judge == "sign":
        assert {rewards[word] for word in seen} <= {-1.0, 0.0, 1.0}
    else:
        assert all(rewards[word] != 0 for word in seen)
        assert score.by_criterion["similarity"] == score.value


@pytest.mark.parametrize("embed", ["context", "alone"])
async def test_a_reward_is_the_cosine_of_the_definition(embed: Any) -> None:
    host, config = DirectHost(), DualEncoderConfig("photo-lite")
    judge = TokenAlignmentJudge("it", TokenAlignmentOptions(embed=embed), config, host)
    verdict = await judge.judge(item(IMAGES[0], "cat"), Ask(Want.TOKEN_REWARDS))
    assert verdict.judgement is not None
    tower = host.backbone(config, load_dual_encoder).tower
    with torch.inference_mode():
        (pixels,) = tower.preprocess(PIL.fromarray(IMAGES[0].pixels))
        patches = tower.encode_images(pixels[None])[1][0].double()
        text = "cat" if embed == "context" else "a photo of cat"
        ids = torch.tensor([tower.tokenize(text)])
        pooled, tokens = tower.encode_texts(ids, torch.ones_like(ids).bool())
    unit = tokens[0, 1:-1].double().mean(0) if embed == "context" else pooled[0].double()
    cosines = torch.nn.functional.cosine_similarity(patches, unit[None], dim=1)
    assert verdict.judgement.scores[0].value == pytest.approx(float(cosines.max()), abs=1e-5)


def test_rewards_land_on_the_callers_tokens(client: LocalClient) -> None:
    spans = np.array([[0, 0], [0, 1], [1, 5], [5, 7], [7, 11], [11, 12], [0, 0]], np.int32)
    (score,) = scores(client, "photo-lite", item(IMAGES[0], TEXT, spans=spans))
    rewards = words_of(scores(client, "photo-lite", item(IMAGES[0], TEXT))[0], TEXT)
    assert score.spans is not None and score.span_values is not None
    np.testing.assert_array_equal(score.spans, spans)
    tabby, cat = rewards["tabby"], rewards["cat"]
    np.testing.assert_array_equal(score.span_values, [0, 0, tabby, tabby, cat, 0, 0])
    # The value is of the words, whatever the spans leave out.
    assert score.value == scores(client, "photo-lite", item(IMAGES[0], TEXT))[0].value


def test_split_conserves_what_words_have(client: LocalClient) -> None:
    spans = np.array([[2, 4], [4, 6], [6, 7], [8, 11], [16, 31]], np.int32)
    (score,) = scores(client, "split", item(IMAGES[0], TEXT, spans=spans))
    rewards = words_of(scores(client, "split", item(IMAGES[0], TEXT))[0], TEXT)
    assert score.span_values is not None
    assert float(score.span_values.sum(dtype=np.float64)) == pytest.approx(
        sum(rewards.values()), abs=1e-6
    )
    assert score.span_values[:3].tolist() == pytest.approx([rewards["tabby"] / 3] * 3)


def test_the_callers_spans_may_be_the_units(client: LocalClient) -> None:
    spans = np.array([[0, 0], [0, 11], [11, 15], [16, 31]], np.int32)
    (score,) = scores(client, "span", item(IMAGES[0], TEXT, spans=spans), regions=True)
    assert score.span_values is not None and score.regions is not None
    assert (score.span_values != 0).tolist() == [False, True, False, True]
    assert (score.regions >= 0).tolist() == [False, True, False, True]
    words = words_of(scores(client, "span", item(IMAGES[0], TEXT))[0], TEXT)
    assert words["tabby"] != 0


@pytest.mark.parametrize("judge", ["photo-lite", "clip", "open_clip"])
def test_regions_are_the_patches_that_speak_for_a_word(client: LocalClient, judge: str) -> None:
    (score,) = scores(client, judge, item(IMAGES[0], TEXT), regions=True)
    assert score.regions is not None and score.span_values is not None and score.grid is not None
    assert ((score.regions >= 0) == (score.span_values != 0)).all()
    assert score.regions.max() < score.grid.rows * score.grid.columns
    # 40 x 60 pixels, of which the middle square is seen.
    left, top, right, bottom = score.grid.box
    assert (top, bottom) == (0, 1) and (left, right) == pytest.approx((1 / 6, 5 / 6), abs=0.01)


def test_regions_come_when_asked_for_and_there_are_patches(client: LocalClient) -> None:
    for judge, regions in (("photo-lite", False), ("global", True)):
        (score,) = scores(client, judge, item(IMAGES[0], TEXT), regions=regions)
        assert score.regions is None and score.grid is None


def test_a_score_is_the_mean_reward_without_spans(client: LocalClient) -> None:
    (verdict,) = client.judge([item(IMAGES[0], TEXT, "a dog")], judges="photo-lite")
    assert verdict.judgement is not None
    assert [one.spans for one in verdict.judgement.scores] == [None, None]
    tokens = scores(client, "photo-lite", item(IMAGES[0], TEXT, "a dog"))
    assert [one.value for one in verdict.judgement.scores] == [one.value for one in tokens]
    (ranked,) = client.judge(
        [item(IMAGES[0], TEXT, "a dog")], judges="photo-lite", want=Want.PREFERENCE
    )
    first = tokens[0].value > tokens[1].value  # type: ignore[operator]
    assert ranked.judgement is not None and ranked.judgement.ranks == ((1, 2) if first else (2, 1))


def drawn_items(count: int) -> list[Item]:
    lengths = RNG.choice([1, 2, 5, 9, 30, 90, 200], count)
    return [
        item(IMAGES[index % 3], " ".join(RNG.choice(WORDS, length)) + " cat")
        for index, length in enumerate(lengths)
    ]


def numbers(found: Sequence[Score]) -> list[Any]:
    return [
        (one.value, one.span_values.tolist(), one.spans.tolist(), one.regions.tolist())
        for one in found
        if one.span_values is not None and one.spans is not None and one.regions is not None
    ]


@pytest.mark.parametrize("judge", ["photo-lite", "context", "phrase", "clip", "open_clip"])
def test_an_item_has_the_same_bits_alone_in_a_batch_and_permuted(
    client: LocalClient, judges: dict[str, dict[str, Any]], judge: str
) -> None:
    items = drawn_items(12)
    together = numbers(scores(client, judge, *items, regions=True))
    assert len(together) == len(items)
    order = RNG.permutation(len(items)).tolist()
    permuted = numbers(scores(client, judge, *(items[index] for index in order), regions=True))
    assert permuted == [together[index] for index in order]
    # Alone, in a server that has computed nothing else yet: nothing comes out of a cache.
    with LocalClient({judge: judges[judge]}) as fresh:
        for index in (0, 5, 11):
            alone = numbers(scores(fresh, judge, items[index], regions=True))
            assert alone == [together[index]]


def test_one_image_is_encoded_once_however_many_texts_are_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded: list[int] = []
    encode, forward = PhotoLite.encode_images, ImageEncoding.forward

    def images(self: ImageEncoding, payloads: Any) -> Any:
        encoded.append(len(payloads))
        return forward(self, payloads)

    monkeypatch.setattr(ImageEncoding, "forward", images)
    passes: list[int] = []

    def counted(tower: PhotoLite, *batch: Tensor) -> tuple[Tensor, Tensor]:
        passes.append(len(batch[0]))
        return encode(tower, *batch)

    monkeypatch.setattr(PhotoLite, "encode_images", counted)
    with LocalClient({"it": {"kind": KIND}}) as client:
        encoded.clear()  # of the example
        passes.clear()
        sentences = [" ".join(f"A {word} sits here." for word in WORDS[:12])] * 16
        texts = [f"{text} Number {index} cats." for index, text in enumerate(sentences)]
        scores(client, "it", item(IMAGES[1], *texts))
    assert encoded == [1] and len(passes) == 1


@pytest.mark.parametrize("judge", ["photo-lite", "context", "global"])
def test_a_text_of_nothing_to_see_has_zeros_and_a_note(client: LocalClient, judge: str) -> None:
    (verdict,) = judged(client, judge, item(IMAGES[0], "the 2 of them, and 3."), regions=True)
    assert [note.code for note in verdict.notes] == ["NO_VISUAL_UNITS"]
    assert verdict.notes[0].field == "candidates[0].parts[0].text"
    assert verdict.judgement is not None
    (score,) = verdict.judgement.scores
    assert score.value == 0 and score.by_criterion == {}
    assert score.span_values is not None and not score.span_values.any()
    assert len(score.span_values) == 8


def test_a_long_text_is_read_in_windows_and_told(client: LocalClient) -> None:
    text = "A wooden table. " * 60
    (verdict,) = judged(client, "context", item(IMAGES[0], text))
    assert [note.code for note in verdict.notes] == ["TEXT_WINDOWED"]
    assert verdict.judgement is not None
    (score,) = verdict.judgement.scores
    assert score.span_values is not None and (score.span_values != 0).sum() == 120
    assert judged(client, "photo-lite", item(IMAGES[0], text))[0].notes == ()


@pytest.mark.parametrize(
    ("bad", "reason", "field"),
    [
        (Item([IMAGES[0]], [Candidate([IMAGES[1]])]), "PAIR_EXPECTED", "candidates[0].parts"),
        (Item(["text"], [Candidate(["a cat"])]), "PAIR_EXPECTED", "prompt"),
        (Item([*IMAGES[:2]], [Candidate(["a cat"])]), "PAIR_EXPECTED", "prompt"),
        (Item([IMAGES[0]], [Candidate(["a", "cat"])]), "PAIR_EXPECTED", "candidates[0].parts"),
        (item(IMAGES[0], "a cat", " \n"), "TEXT_EMPTY", "candidates[1].parts[0].text"),
        (
            item(IMAGES[0], "a cat", spans=np.array([[3, 2]], np.int32)),
            "SPAN_BACKWARDS",
            "candidates[0].spans[0]",
        ),
    ],
)
@pytest.mark.parametrize("judge", ["photo-lite", "context"])
def test_bad_items_are_named(
    client: LocalClient, judge: str, bad: Item, reason: str, field: str
) -> None:
    error = refusal(client, judge, bad)
    assert (error.reason, error.field) == (reason, field)


def test_a_unit_beyond_the_context_is_named(client: LocalClient) -> None:
    for judge, text in (("phrase", "cat " * 200), ("clip", "xq" * 300)):
        error = refusal(client, judge, item(IMAGES[0], text))
        assert (error.reason, error.field) == ("UNIT_TOO_LONG", "candidates[0].parts[0].text")
    with LocalClient({"it": {"kind": KIND, "unit": "phrase"}}) as alone:
        error = refusal(alone, "it", item(IMAGES[0], "cat " * 200))
    assert error.reason == "UNIT_TOO_LONG" and "with the template" in error.message


def test_a_text_of_more_words_than_are_compared_at_once_is_refused(client: LocalClient) -> None:
    error = refusal(client, "photo-lite", item(IMAGES[0], "cat " * 33_000))
    assert (error.reason, error.field) == ("TEXT_TOO_LONG", "candidates[0].parts[0].text")
    assert "33000 words" in error.message


async def test_cutting_a_long_text_into_words_does_not_hold_up_the_loop() -> None:
    judge = make(TokenAlignmentOptions(embed="context"))
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.001)
            ticks += 1

    ticking = asyncio.create_task(tick())
    text = "the and of " * 60_000
    verdict = await judge.judge(item(IMAGES[0], text), Ask(Want.TOKEN_REWARDS))
    ticking.cancel()
    assert verdict.judgement is not None and ticks >= 3
