"""STEP_REWARDS over gRPC: the caller's spans and log-probabilities, and what is wrong with them."""

import math
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from tests.e2e.live_server import GUARD, LiveServer, live

from mmjudge.contract.images import PixelImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.contract.tensors import decode_tensor, encode_tensor
from mmjudge.contract.wire_items import item_to_proto
from mmjudge.v1 import judge_pb2 as pb
from mmjudge.v1 import verdict_pb2

pytestmark = pytest.mark.asyncio(loop_scope="module")

KIND = "mmjudge.judges.step_alignment:StepAlignmentJudge"
CLIP = "mmjudge.judges.clip:ClipJudge"
IMAGE = PixelImage(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
WORDS = ("A grey cat sits.", "Ein Hündchen 🙂.", "It rains.")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[LiveServer]:
    steps = {"kind": KIND, "model": "photo-lite"}
    tokens = steps | {"spans": "tokens"}
    cosines = {"kind": CLIP, "model": "photo-lite"}
    async with live(steps=steps, tokens=tokens, cosines=cosines) as it:
        yield it


def candidate(words: tuple[str, ...] = WORDS, first: float = -1.0) -> Candidate:
    """Sentences with a space between them, their spans, and falling log-probabilities."""
    ends = np.cumsum([len(word.encode()) + 1 for word in words]) - 1
    spans = [[end - len(word.encode()), end] for word, end in zip(words, ends, strict=True)]
    log_probs = first - np.arange(len(words), dtype=np.float32)
    return Candidate([" ".join(words)], np.array(spans, np.int32), log_probs)


async def rewarded(
    server: LiveServer, *items: Item | pb.Item, judge: str = "steps"
) -> list[verdict_pb2.Verdict]:
    messages = [it if isinstance(it, pb.Item) else item_to_proto(it) for it in items]
    request = pb.JudgeRequest(judges=[judge], items=messages, want=pb.WANT_STEP_REWARDS)
    response = await server.stub.Judge(request, timeout=GUARD)
    return list(response.results[0].verdicts)


def encoded(server: LiveServer, side: str) -> float:
    """How many images or texts went through the model so far."""
    metrics = server.server.engine.metrics.registry
    operation = {"operation": f"photo-lite/{side}"}
    return metrics.get_sample_value("mmjudge_batch_items_sum", operation) or 0.0


def arrays(score: verdict_pb2.Score) -> tuple[Any, Any]:
    return (
        decode_tensor(score.spans, field="spans"),
        decode_tensor(score.span_values, field="span_values"),
    )


async def test_each_of_the_caller_s_steps_has_the_published_reward(server: LiveServer) -> None:
    one = candidate()
    (verdict,) = await rewarded(server, Item([IMAGE], [one]))
    (score,) = verdict.judgement.scores
    spans, values = arrays(score)
    assert one.spans is not None and (spans == one.spans).all()
    captions = [Item([IMAGE], [Candidate([word])]) for word in WORDS]
    cosines = [
        told.judgement.scores[0].value for told in await server.judge(*captions, judge="cosines")
    ]
    expected = [
        0.9 * max(100 * cosine, 0) + 0.1 * math.exp(-1 - step)
        for step, cosine in enumerate(cosines)
    ]
    assert values.tolist() == pytest.approx(expected, abs=1e-4)
    assert score.value == pytest.approx(sum(expected), abs=1e-4)


async def test_tokens_make_the_rewards_of_the_sentences_found(server: LiveServer) -> None:
    text = " ".join(WORDS)
    edges = np.arange(0, len(text.encode()) + 1)
    tokens = np.stack([edges[:-1], edges[1:]], 1).astype(np.int32)  # bytes, cut characters and all
    log_probs = np.full(len(tokens), -0.25, np.float32)
    (verdict,) = await rewarded(
        server, Item([IMAGE], [Candidate([text], tokens, log_probs)]), judge="tokens"
    )
    (score,) = verdict.judgement.scores
    spans, values = arrays(score)
    assert [text.encode()[a:b].decode() for a, b in spans] == list(WORDS)
    # A space before a sentence is a token of its own here, and of the sentence that it follows.
    counts = np.diff([0, spans[1][0], spans[2][0], len(text.encode())])
    steps = [Candidate([text], spans, (-0.25 * counts).astype(np.float32))]
    (other,) = await rewarded(server, Item([IMAGE], steps))
    same = arrays(other.judgement.scores[0])[1]
    assert values.tolist() == pytest.approx(same.tolist(), abs=1e-5)


async def test_many_candidates_of_one_image_encode_it_once(server: LiveServer) -> None:
    images, texts = encoded(server, "images"), encoded(server, "texts")
    words = [f"It is {colour}." for colour in "red blue green grey pink brown".split()]
    turned = [tuple(words[n % 6 :] + words[: n % 6]) * 2 for n in range(16)]
    (verdict,) = await rewarded(server, Item([IMAGE], [candidate(one) for one in turned]))
    assert [arrays(score)[1].shape for score in verdict.judgement.scores] == [(12,)] * 16
    assert encoded(server, "images") - images == 1
    assert encoded(server, "texts") - texts == 6


async def test_alone_as_in_company(server: LiveServer) -> None:
    items = [Item([IMAGE], [candidate(WORDS[n % 3 :] + WORDS[: n % 3])]) for n in range(6)]
    together = await rewarded(server, *items)
    for item, verdict in zip(items, together, strict=True):
        (alone,) = await rewarded(server, item)
        assert alone.judgement == verdict.judgement


def broken(spans: list[list[int]], log_probs: list[float] | None) -> pb.Item:
    item = item_to_proto(Item([IMAGE], [Candidate(["é cat."])]))
    item.candidates[0].spans.CopyFrom(encode_tensor(np.array(spans, np.int32).reshape(-1, 2)))
    if log_probs is not None:
        sent = encode_tensor(np.array(log_probs, np.float32))
        item.candidates[0].log_probs.CopyFrom(sent)
    return item


@pytest.mark.parametrize(
    ("item", "reason", "field"),
    [
        (broken([[0, 2], [3, 7]], [-1]), "LOG_PROBS_COUNT", "log_probs"),
        (broken([[0, 7]], [-1, -1]), "LOG_PROBS_COUNT", "log_probs"),
        (broken([[0, 7]], [0.5]), "LOG_PROBS_RANGE", "log_probs[0]"),
        (broken([[0, 7]], [math.nan]), "TENSOR_NOT_FINITE", "log_probs"),
        (broken([[0, 7]], None), "LOG_PROBS_EXPECTED", "log_probs"),
        (broken([[7, 0]], [-1]), "SPAN_BACKWARDS", "spans[0]"),
        (broken([[0, 8]], [-1]), "SPAN_OUT_OF_TEXT", "spans[0]"),
        (broken([[3, 7], [0, 2]], [-1, -1]), "SPAN_ORDER", "spans[1]"),
        (broken([[0, 2], [1, 7]], [-1, -1]), "SPAN_CUTS_CHARACTER", "spans[1]"),
        (broken([[0, 0], [2, 3]], [-1, -1]), "SPANS_EMPTY", "spans"),
        (broken([], []), "SPANS_EMPTY", "spans"),
    ],
)
async def test_spans_and_log_probabilities_that_do_not_fit_fail_their_item_alone(
    server: LiveServer, item: pb.Item, reason: str, field: str
) -> None:
    bad, good = await rewarded(server, item, Item([IMAGE], [candidate()]))
    assert (bad.error.reason, bad.error.field) == (reason, f"candidates[0].{field}")
    assert good.WhichOneof("outcome") == "judgement"
