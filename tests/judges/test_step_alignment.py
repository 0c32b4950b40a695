"""Judge `step_alignment` over a tower that sees mean colours and reads their names."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judges.direct_host import DirectHost
from tests.judges.test_clip import PURPLE, RED, ColourTower, turned

from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Ask, Candidate, Item, Part, Want
from mmjudge.contract.verdicts import Judgement, Score, Verdict
from mmjudge.judges.backbones.dual_encoder import DualEncoder, DualEncoderConfig
from mmjudge.judges.judge import Judge
from mmjudge.judges.pairing import Pair
from mmjudge.judges.response_steps import found_steps
from mmjudge.judges.sentences import sentences
from mmjudge.judges.step_alignment import StepAlignmentJudge, StepAlignmentOptions

HALF = math.sqrt(0.5)


class ColourHost(DirectHost):
    """Hosts the colours, and counts what is computed."""

    def __init__(self, tower: ColourTower | None = None) -> None:
        super().__init__()
        self.tower = tower or ColourTower()

    def backbone(self, config: Any, load: Any) -> Any:
        """A dual encoder over the tower, whatever is asked for."""
        return DualEncoder(config, self.tower)


def steps(host: ColourHost | None = None, **options: Any) -> StepAlignmentJudge:
    backbone = DualEncoderConfig("some/model")
    return StepAlignmentJudge(
        "steps", StepAlignmentOptions(**options), backbone, host or ColourHost()
    )


def spans(*rows: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.array(rows, np.int32).reshape(-1, 2)


def response(*words: str, log_probs: list[float] | None = None) -> Candidate:
    """Words with a space between them, each a step."""
    ends = np.cumsum([len(word.encode()) + 1 for word in words]) - 1
    rows = [(int(end) - len(w.encode()), int(end)) for w, end in zip(words, ends, strict=True)]
    sent = None if log_probs is None else np.array(log_probs, np.float32)
    return Candidate([" ".join(words)], spans(*rows), sent)


def about(image: Part, *candidates: Candidate) -> Item:
    return Item(["What is this?", image], candidates)


async def scores(
    judge: StepAlignmentJudge, item: Item, want: Want = Want.STEP_REWARDS
) -> tuple[Score, ...]:
    verdict = await judge.judge(item, Ask(want))
    assert isinstance(verdict.outcome, Judgement)
    return verdict.outcome.scores


async def refusal(judge: StepAlignmentJudge, item: Item) -> tuple[str, str]:
    with pytest.raises(ItemError) as raised:
        await judge.judge(item, Ask())
    return raised.value.error.reason, raised.value.error.field


def rewards(score: Score) -> list[float]:
    assert score.span_values is not None and score.span_values.dtype == np.float32
    found: list[float] = score.span_values.tolist()
    return found


def test_it_is_a_judge() -> None:
    judge: Judge = steps()
    kind: type[Judge] = StepAlignmentJudge
    assert isinstance(judge, kind)


async def test_the_paper_s_reward_of_every_step_and_their_sum() -> None:
    candidate = response("red", "green", "minus", log_probs=[-1.0, -2.0, 0.0])
    (score,) = await scores(steps(), about(PURPLE, candidate))
    expected = [90 * HALF + 0.1 * math.exp(-1), 0.1 * math.exp(-2), 0.1]
    assert rewards(score) == pytest.approx(expected, rel=1e-6)
    assert score.value == pytest.approx(sum(expected), rel=1e-6)
    text = math.exp(-1) + math.exp(-2) + 1
    assert score.by_criterion == pytest.approx({"image": 100 * HALF, "text": text}, rel=1e-6)
    assert score.spans is not None and score.spans.tolist() == [[0, 3], [4, 9], [10, 15]]


async def test_lambda_and_the_mean_are_settings() -> None:
    candidate = response("red", "green", log_probs=[-1.0, -2.0])
    judge = steps(image_weight=0.25, combine="mean")
    (score,) = await scores(judge, about(RED, candidate))
    expected = [25 + 0.75 * math.exp(-1), 0.75 * math.exp(-2)]
    assert score.value == pytest.approx(sum(expected) / 2, rel=1e-6)
    assert judge.info.range == (0, 100) and steps().info.range == (0, None)


async def test_the_image_alone_needs_no_log_probabilities() -> None:
    (score,) = await scores(steps(image_weight=1.0), about(RED, response("red", "green")))
    assert rewards(score) == [100.0, 0.0]
    assert score.value == 100 and score.by_criterion == {"image": 100}
    for judge in (steps(), steps(spans="tokens"), steps(score="csr_rank")):
        pair = about(RED, response("red", log_probs=[-1.0]), response("red"))
        assert await refusal(judge, pair) == ("LOG_PROBS_EXPECTED", "candidates[1].log_probs")


async def test_without_spans_steps_are_the_sentences_found() -> None:
    text = "  - red\n- é green\n"
    (score,) = await scores(steps(image_weight=1.0), about(RED, Candidate([text])))
    assert score.spans is not None and score.spans.tolist() == [[2, 7], [8, 18]]
    assert [text.encode()[a:b].decode() for a, b in score.spans] == ["- red", "- é green"]
    assert rewards(score) == [100.0, 0.0]


async def test_a_score_and_a_preference_have_no_spans() -> None:
    item = about(RED, response("green"), response("red"), response("red"))
    judge = steps(image_weight=1.0)
    for want, ranks in ((Want.SCORE, ()), (Want.PREFERENCE, (3, 1, 1))):
        verdict = await judge.judge(item, Ask(want))
        assert verdict.judgement is not None and verdict.judgement.ranks == ranks
        assert [one.value for one in verdict.judgement.scores] == [0, 100, 100]
        assert all(one.spans is None for one in verdict.judgement.scores)
        assert all(one.span_values is None for one in verdict.judgement.scores)


async def test_tokens_are_summed_over_the_sentences_they_are_in() -> None:
    text = "- red\n- green"
    tokens = spans((0, 0), (0, 1), (1, 5), (5, 7), (7, 9), (9, 13), (13, 13))
    log_probs = np.array([-9, -1, -2, -3, -4, -5, -9], np.float32)
    judge = steps(spans="tokens")
    (score,) = await scores(judge, about(RED, Candidate([text], tokens, log_probs)))
    assert score.spans is not None and score.spans.tolist() == [[0, 5], [6, 13]]
    expected = [90 + 0.1 * math.exp(-3), 0.1 * math.exp(-12)]
    assert rewards(score) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 41)))
def test_every_token_is_counted_once(cuts: list[int]) -> None:
    text = "  A cat sits. It is red!\n- é 🙂 x\n- last"
    begins = [len(text[:start].encode()) for start, _ in sentences(text, "en")]
    edges = sorted({0, *begins, *cuts, len(text.encode())})
    tokens = spans(*zip(edges, edges[1:], strict=False))
    sent = -np.arange(1, len(tokens) + 1, dtype=np.float32)
    candidate = Candidate([text], tokens, sent)
    pair = Pair(RED, "prompt[0].image", text, "candidates[0].parts[0].text")
    found = found_steps(candidate, pair, "candidates[0]", "en", log_probs=True)
    assert len(found.steps) == 4
    assert [one for step in found.steps for one in step.log_probs] == sent.tolist()


async def test_a_sentence_without_tokens_has_no_likelihood() -> None:
    candidate = Candidate(["- red\n- green"], spans((0, 5)), np.array([-1.0], np.float32))
    assert await refusal(steps(spans="tokens"), about(RED, candidate)) == (
        "LOG_PROBS_EXPECTED",
        "candidates[0].log_probs",
    )


async def test_ranks_are_among_the_steps_at_the_same_place() -> None:
    item = about(
        RED,
        response("red", "green", log_probs=[-3.0, -1.0]),
        response("green", "red", "red", log_probs=[-1.0, -2.0, -1.0]),
        response("red", "minus", log_probs=[-2.0, -3.0]),
    )
    judge = steps(score="csr_rank", image_weight=0.8)
    one, two, three = await scores(judge, item)
    thirds = [
        [(1 / 3, 1), (2 / 3, 1 / 3)],
        [(1, 1 / 3), (1 / 3, 2 / 3), (1, 1)],
        [(1 / 3, 2 / 3), (1, 1)],
    ]
    for score, ranks in zip((one, two, three), thirds, strict=True):
        expected = [-(0.8 * image + 0.2 * text) for image, text in ranks]
        assert rewards(score) == pytest.approx(expected, rel=1e-6)
        assert score.value == pytest.approx(sum(expected) / len(expected), rel=1e-6)
        assert score.value == pytest.approx(
            0.8 * score.by_criterion["image"] + 0.2 * score.by_criterion["text"]
        )
    assert judge.info.range == (-1, 0)
    assert "minus" in judge.info.description and "higher is better" in judge.info.description


async def test_ranks_by_tokens_compare_mean_log_probabilities() -> None:
    one = Candidate(["red x"], spans((0, 3), (3, 5)), np.array([-1, -1], np.float32))
    two = Candidate(["red x"], spans((0, 5)), np.array([-1.5], np.float32))
    judge = steps(score="csr_rank", spans="tokens", image_weight=0.0)
    assert [s.value for s in await scores(judge, about(RED, one, two))] == [-0.5, -1.0]


async def test_a_rank_needs_rivals() -> None:
    judge = steps(score="csr_rank", image_weight=1.0)
    assert await refusal(judge, about(RED, response("red"))) == ("CANDIDATE_COUNT", "candidates")
    for score in await scores(judge, about(RED, response("red"), response("red"))):
        assert score.value == -0.5 and score.by_criterion == {"image": -0.5}


@pytest.mark.parametrize("score", ["csr_raw", "csr_rank"])
async def test_an_embedding_that_is_no_number_is_not_made_one(score: str) -> None:
    item = about(RED, response("nan", "red"), response("red", "green"))
    one, two = await scores(steps(score=score, image_weight=1.0), item)
    assert one.value is not None and math.isnan(one.value)
    assert two.value is not None and math.isnan(two.value) == (score == "csr_rank")


async def test_spans_without_words_are_no_steps() -> None:
    rows = spans((0, 0), (0, 3), (3, 4), (4, 9), (9, 9))
    sent = np.array([0, -1, 0, -2, 0], np.float32)
    item = about(RED, Candidate(["red green"], rows, sent))
    verdict = await steps(combine="mean").judge(item, Ask(Want.STEP_REWARDS))
    assert verdict.judgement is not None
    (score,) = verdict.judgement.scores
    assert score.spans is not None and score.spans.tolist() == rows.tolist()
    first, second = 90 + 0.1 * math.exp(-1), 0.1 * math.exp(-2)
    assert rewards(score) == pytest.approx([0, first, 0, second, 0], rel=1e-6)
    assert score.value == pytest.approx((first + second) / 2, rel=1e-6)
    (note,) = verdict.notes
    assert (note.code, note.field) == ("SPANS_EMPTY", "candidates[0].spans")
    assert note.message.startswith("3 without words")


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (about(RED, Candidate([" \n"])), ("TEXT_EMPTY", "candidates[0].parts[0].text")),
        (about(RED, Candidate([""], spans())), ("TEXT_EMPTY", "candidates[0].parts[0].text")),
        (about(RED, Candidate(["red"], spans())), ("SPANS_EMPTY", "candidates[0].spans")),
        (
            about(RED, response("red"), Candidate(["r d"], spans((0, 0), (1, 2)))),
            ("SPANS_EMPTY", "candidates[1].spans"),
        ),
        (
            about(RED, Candidate(["é red"], spans((2, 6), (1, 2)))),
            ("SPAN_CUTS_CHARACTER", "candidates[0].spans[1]"),
        ),
        (about(RED, Candidate([PURPLE])), ("PAIR_EXPECTED", "candidates[0].parts")),
        (about(RED, Candidate(["a", "b"])), ("PAIR_EXPECTED", "candidates[0].parts")),
        (Item(["red"], [Candidate(["red"])]), ("PAIR_EXPECTED", "prompt")),
        (Item([RED, RED], [Candidate(["red"])]), ("PAIR_EXPECTED", "prompt")),
        (about(EncodedImage(b"no"), response("red")), ("IMAGE_UNDECODABLE", "prompt[1].image")),
        (
            about(RED, response("red"), response("a b c d e f g red")),
            ("TEXT_TOO_LONG", "candidates[1].parts[0].text"),
        ),
    ],
)
async def test_bad_items_are_refused_with_their_path(item: Item, expected: tuple[str, str]) -> None:
    assert await refusal(steps(image_weight=1.0), item) == expected


async def test_the_step_at_fault_is_told() -> None:
    item = about(RED, response("red", "red a b c d e f g"))
    with pytest.raises(ItemError, match="step at bytes 4 to 21: 10 tokens, the model reads 8"):
        await steps(image_weight=1.0).judge(item, Ask())
    judge = steps(image_weight=1.0, long_text="truncate")
    verdict: Verdict = await judge.judge(about(turned("red"), *item.candidates), Ask())
    assert [(note.code, note.field) for note in verdict.notes] == [
        ("IMAGE_ROTATED", "prompt[1].image"),
        ("TEXT_TRUNCATED", "candidates[0].parts[0].text"),
    ]
    assert verdict.notes[1].message.startswith("step at bytes 4 to 21: ")


async def test_the_template_is_what_the_encoder_reads() -> None:
    host = ColourHost()
    await scores(steps(host, image_weight=1.0, template="a {text}"), about(RED, response("red")))
    assert host.tower.texts == ["a red"]


async def test_one_image_is_encoded_once_and_equal_sentences_too() -> None:
    host = ColourHost()
    words = "red green blue a b c d e f g h i".split()
    item = about(RED, *(response(*words[n % 6 :], *words[: n % 6]) for n in range(16)))
    for score in await scores(steps(host, image_weight=1.0), item):
        assert score.value == 100 and len(rewards(score)) == 12
    assert dict(host.ran) == {"images": 1, "texts": 12}


@pytest.mark.parametrize("options", [{}, {"spans": "tokens"}, {"score": "csr_rank"}])
async def test_the_example_can_be_judged(options: dict[str, Any]) -> None:
    tower = ColourTower()
    tower.context_length = 8
    judge = steps(ColourHost(tower), **options)
    for score in await scores(judge, judge.example, judge.info.wants[0]):
        assert len(rewards(score)) == 2


@pytest.mark.parametrize("weight", [-0.1, 1.1, math.nan])
def test_a_weight_outside_its_range_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="^image_weight: .*, expected 0 to 1"):
        steps(image_weight=weight)


def test_all_that_changes_a_reward_changes_the_fingerprint() -> None:
    settings: list[dict[str, Any]] = [
        {}, {"score": "csr_rank"}, {"image_weight": 0.8}, {"combine": "mean"},
        {"spans": "tokens"}, {"language": "de"}, {"template": "a {text}"},
        {"long_text": "truncate"},
    ]  # fmt: skip
    found = {steps(**one).info.fingerprint for one in settings}
    assert len(found) == len(settings)
    ranks = [steps(score="csr_rank", combine=how).info.fingerprint for how in ("sum", "mean")]
    assert len(set(ranks)) == 1  # ranks are averaged whatever is said
