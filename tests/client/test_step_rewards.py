import math
from typing import Any

import numpy as np
import pytest
from tests.client.fake_rewards import FakeRewards, reward

from mmjudge.client import AsyncClient, byte_spans
from mmjudge.client.errors import ItemFailed

TEXTS = ["one two", "drei vier fünf", "six"]


@pytest.fixture
def service() -> FakeRewards:
    return FakeRewards()


@pytest.fixture
def client(service: FakeRewards) -> AsyncClient:
    return AsyncClient(transport=service)


async def test_the_judges_own_steps(client: AsyncClient) -> None:
    rewards = await client.step_rewards([b"1", b"2", b"3"], TEXTS)
    assert rewards.values.dtype == np.float32 and rewards.spans.dtype == np.int32
    assert rewards.values.tolist() == [[3, 3, 0], [4, 4, 4], [3, 0, 0]]
    assert rewards.mask.tolist() == [[True, True, False], [True] * 3, [True, False, False]]
    assert rewards.spans.tolist() == [
        [[0, 3], [4, 7], [0, 0]],
        [[0, 4], [5, 9], [10, 15]],
        [[0, 3], [0, 0], [0, 0]],
    ]
    assert rewards.totals.dtype == np.float32 and rewards.totals.tolist() == [6, 12, 3]
    assert (rewards.judge, rewards.fingerprint, rewards.failed) == ("csr", "f00d", ())


async def test_the_callers_steps_with_their_log_probabilities(
    client: AsyncClient, service: FakeRewards
) -> None:
    texts = ["Eine Katze. Zwei Öfen.", "Ja."]
    spans = [byte_spans(texts[0], [(0, 11), (11, 22)]), byte_spans(texts[1], [(0, 3)])]
    log_probs = [np.array([-0.5, -2.0]), np.array([-1.0])]
    rewards = await client.step_rewards(b"1", texts, spans=spans, log_probs=log_probs)
    assert rewards.spans.tolist() == [[[0, 11], [11, 23]], [[0, 3], [0, 0]]]
    plain = [[reward("Eine Katze."), reward(" Zwei Öfen.")], [reward("Ja."), 1]]
    assert rewards.values.tolist() == [[plain[0][0] - 0.5, plain[0][1] - 2], [plain[1][0] - 1, 0]]
    # Siblings go together, which some judges compare.
    assert len(service.asked) == 1 and len(service.asked[0].candidates) == 2


async def test_tensors_are_taken(client: AsyncClient) -> None:
    torch = pytest.importorskip("torch")
    rewards = await client.step_rewards(
        b"1", ["a b"], spans=torch.tensor([[[0, 1], [1, 3]]]), log_probs=torch.tensor([[-1.0, -2]])
    )
    assert rewards.values.tolist() == [[0, 0]] and rewards.mask.all()


async def test_siblings_fail_together_and_have_no_number(client: AsyncClient) -> None:
    images, texts = [b"1", b"2", b"2"], ["a", "bad", "b"]
    with pytest.raises(ItemFailed, match="item 1 failed with TEXT_DULL.*on_failure='mask'"):
        await client.step_rewards(images, texts)
    rewards = await client.step_rewards(images, texts, on_failure="mask")
    assert rewards.failed == (1, 1 + 1)
    assert rewards.mask.tolist() == [[True], [False], [False]]
    assert rewards.totals[0] == 1 and all(math.isnan(total) for total in rewards.totals[1:])


async def test_nothing_but_failures_has_no_steps(client: AsyncClient) -> None:
    rewards = await client.step_rewards(b"1", "bad", on_failure="mask")
    assert rewards.values.shape == (1, 0) and rewards.spans.shape == (1, 0, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"log_probs": [[-1.0]]}, ValueError, "log_probs without spans"),
        ({"spans": []}, ValueError, "spans has 0 rows for 1 texts"),
        ({"spans": [[(0, 1)]], "log_probs": []}, ValueError, "log_probs has 0 rows for 1 texts"),
        ({"spans": [[(0, 1, 2)]]}, TypeError, r"candidates\[0\].spans: int64 of shape \[1, 3\]"),
        ({"spans": [[(0, 9)]]}, ItemFailed, "SPAN_OUT_OF_TEXT"),
        ({"spans": [[(0, 1)]], "log_probs": [[-1.0, -2.0]]}, ItemFailed, "LOG_PROBS_COUNT"),
        ({"on_failure": "nan"}, ValueError, "expected 'raise' or 'mask'"),
    ],
)
async def test_steps_that_do_not_fit(
    client: AsyncClient, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await client.step_rewards(b"1", ["a b"], **arguments)
