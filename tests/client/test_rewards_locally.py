"""Token and step rewards of the real judges, over the embedded encoder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.client.tokenizers_in_code import byte_level

from mmjudge.client import LocalClient

PHOTO = Path(__file__).resolve().parents[2] / "examples" / "photos" / "coffee.png"
TEXTS = ["A cup of espresso, and a café. 😀", "A spoon; a lighthouse!"]


@pytest.fixture(scope="module")
def client() -> Iterator[LocalClient]:
    judges: dict[str, dict[str, Any]] = {
        "fisao": {"kind": "token_alignment", "model": "photo-lite"},
        "split": {"kind": "token_alignment", "model": "photo-lite", "map": "split"},
        "csr": {"kind": "step_alignment", "model": "photo-lite", "image_weight": 1.0},
    }
    with LocalClient(judges) as client:
        yield client


def test_tokens_have_the_rewards_of_their_words(client: LocalClient) -> None:
    encodings = [byte_level().encode(text) for text in TEXTS]
    rewards = client.token_rewards(
        PHOTO,
        TEXTS,
        offsets=[encoding.offsets for encoding in encodings],
        judge="fisao",
        regions=True,
    )
    assert rewards.regions is not None
    assert ((rewards.regions >= 0) <= (rewards.values != 0)).all()
    for row, (text, encoding) in enumerate(zip(TEXTS, encodings, strict=True)):
        count = len(encoding.ids)
        assert rewards.mask[row].tolist() == [True] * count + [False] * (
            rewards.mask.shape[1] - count
        )
        for i, (start, end) in enumerate(encoding.offsets):
            if text[start:end].strip() in {",", ".", ";", "!"}:
                assert rewards.values[row, i] == 0 and rewards.regions[row, i] == -1
    # The tokens of one character have the same reward.
    emoji = [
        i for i, (start, end) in enumerate(encodings[0].offsets) if "😀" in TEXTS[0][start:end]
    ]
    assert len(emoji) > 1 and len(set(rewards.values[0, emoji].tolist())) == 1
    assert rewards.values.max() > 0.1


def test_ids_give_the_rewards_of_offsets(client: LocalClient) -> None:
    encodings = [byte_level().encode(text) for text in TEXTS]
    by_offsets = client.token_rewards(
        PHOTO, TEXTS, offsets=[e.offsets for e in encodings], judge="split"
    )
    by_ids = client.token_rewards(
        PHOTO, TEXTS, ids=[e.ids for e in encodings], tokenizer=byte_level(), judge="split"
    )
    assert np.array_equal(by_offsets.values, by_ids.values)


def test_sentences_have_rewards_without_spans(client: LocalClient) -> None:
    steps = client.step_rewards(PHOTO, ["A cup of espresso. A rocket lifts off.", "A spoon."])
    assert steps.judge == "csr"
    assert steps.mask.tolist() == [[True, True], [True, False]]
    assert steps.values[0, 0] > steps.values[0, 1]
    assert np.allclose(steps.totals, steps.values.sum(1))
