"""The same pair has the same score, to the bit, whoever asks for it and in whatever company."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
from tests.e2e.live_server import LiveServer, live, score
from torch import Tensor

from mmjudge.contract.images import PixelImage
from mmjudge.contract.items import Candidate, Item
from mmjudge.judges.backbones.dual_encoder import (
    DualEncoder,
    DualEncoderConfig,
    load_dual_encoder,
)
from mmjudge.judges.backbones.photo_lite import PhotoLite
from mmjudge.judges.backbones.text_encoding import Text

pytestmark = pytest.mark.asyncio(loop_scope="module")

RNG = np.random.default_rng(0)
WORDS = "a red cat sits on the old mat while two dogs watch it from far away".split()


def image() -> PixelImage:
    height, width = RNG.integers(8, 90, 2)
    return PixelImage(RNG.integers(0, 256, (height, width, 3), np.uint8))


# Texts that are padded to each of the lengths there are.
LENGTHS = [1, 3, 9, 14, 2, 20, 30, 5, 12, 50, 7, 120, 4, 25, 8, 60] * 4
PAIRS = [(image(), " ".join(RNG.choice(WORDS, length))) for length in LENGTHS]
ITEMS = [Item([text], [Candidate([picture])]) for picture, text in PAIRS]


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    """The backbone, loaded by itself."""
    return load_dual_encoder(DualEncoderConfig("photo-lite"))


def direct(encoder: DualEncoder, picture: PixelImage, text: str) -> float:
    """The score without a server: prepare, forward, and the product of the two."""
    (left,) = encoder.images.forward([encoder.images.prepare(picture).payload])
    (right,) = encoder.texts.forward([encoder.texts.prepare(Text(text)).payload])
    product = np.dot(left.embedding.astype(np.float64), right.embedding.astype(np.float64))
    return float(np.float32(product))


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def server() -> AsyncIterator[LiveServer]:
    async with live() as it:
        yield it


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def batch(server: LiveServer) -> list[float]:
    """The scores of all pairs, asked for in one request."""
    return [score(verdict) for verdict in await server.judge(*ITEMS)]


async def test_a_batch_scores_as_the_backbone_does_pair_by_pair(
    encoder: DualEncoder, batch: list[float]
) -> None:
    assert batch[::3] == [direct(encoder, *pair) for pair in PAIRS[::3]]
    assert len(set(batch)) == len(batch) == 64


async def test_a_pair_alone_scores_as_in_a_batch(server: LiveServer, batch: list[float]) -> None:
    for index in range(0, len(ITEMS), 9):
        assert score((await server.judge(ITEMS[index]))[0]) == batch[index]


async def test_a_permuted_batch_is_the_permuted_scores(
    server: LiveServer, batch: list[float]
) -> None:
    order = RNG.permutation(len(ITEMS)).tolist()
    found = [score(verdict) for verdict in await server.judge(*(ITEMS[i] for i in order))]
    assert found == [batch[i] for i in order]


async def test_candidates_of_one_item_score_as_items_of_their_own(
    server: LiveServer, batch: list[float]
) -> None:
    text = PAIRS[0][1]
    group = Item([text], [Candidate([picture]) for picture, _ in PAIRS[:7]])
    (verdict,) = await server.judge(group)
    found = [one.value for one in verdict.judgement.scores]
    apart = await server.judge(*(Item([text], [Candidate([p])]) for p, _ in PAIRS[:7]))
    assert found == [score(one) for one in apart]
    assert found[0] == batch[0]


async def test_several_requests_at_once_score_as_one(
    server: LiveServer, batch: list[float]
) -> None:
    found = await asyncio.gather(*(server.judge(*ITEMS[i::3]) for i in range(3)))
    for i, verdicts in enumerate(found):
        assert [score(verdict) for verdict in verdicts] == batch[i::3]


async def test_many_callers_at_once_share_few_forwards_and_score_as_one_request(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    encode = PhotoLite.encode_images

    def counted(tower: PhotoLite, *images: Tensor) -> tuple[Tensor, Tensor]:
        passes.append(len(images[0]))
        return encode(tower, *images)

    monkeypatch.setattr(PhotoLite, "encode_images", counted)
    items = [Item(["a cat"], [Candidate([image()])]) for _ in range(200)]
    before = server.batches("photo-lite/images")
    apart = await server.judge_apart(items)
    # 200 images: few batches, and hardly a row of their fixed passes of 4 left blank.
    assert server.batches("photo-lite/images") - before <= 20
    assert set(passes) == {4} and 50 <= len(passes) <= 80
    together = await server.judge(*items[::5])
    assert [score(verdict) for verdict in apart[::5]] == [score(verdict) for verdict in together]
