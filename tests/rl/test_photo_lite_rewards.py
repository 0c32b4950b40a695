"""The whole way, with the embedded judge on example photographs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PIL

from mmjudge.client import LocalClient
from mmjudge.client.errors import ItemFailed
from mmjudge.rl import Reward
from mmjudge.rl.flow_grpo import multi_score

PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"
COFFEE, ROCKET = PHOTOS / "coffee.png", PHOTOS / "rocket.jpg"
CAPTIONS = ["a cup of espresso", "a rocket on its launch pad", "a cat"]


@pytest.fixture(scope="module")
def client() -> Iterator[LocalClient]:
    with LocalClient() as client:
        yield client


def test_captions_of_a_photograph_are_rewarded_as_the_client_scores_them(
    client: LocalClient,
) -> None:
    chat = [[{"role": "assistant", "content": caption}] for caption in CAPTIONS]
    batch = Reward(client).score_texts(["What is it?"] * 3, chat, [PIL.open(COFFEE)] * 3)
    assert batch.values.tolist() == client.score(COFFEE, CAPTIONS).values.tolist()
    assert int(batch.values.argmax()) == 0
    assert batch.fingerprints == {"photo-lite": client.score(COFFEE, "a").fingerprint}


def test_an_empty_completion_fails_alone(client: LocalClient) -> None:
    completions = [*CAPTIONS, " "]
    with pytest.raises(ItemFailed, match="item 3 failed with TEXT_EMPTY"):
        Reward(client).score_texts(["p"] * 4, completions, [COFFEE] * 4)
    batch = Reward(client, on_failure="mask").score_texts(["p"] * 4, completions, [COFFEE] * 4)
    assert batch.failed == (3,)
    assert batch.values[:3].tolist() == client.score(COFFEE, CAPTIONS).values.tolist()


def test_generated_tensors_are_rewarded_as_the_pixels_they_are(client: LocalClient) -> None:
    pictures = [PIL.open(path).convert("RGB").resize((64, 48)) for path in (COFFEE, ROCKET)]
    tensors = torch.stack(
        [torch.from_numpy(np.array(each)).permute(2, 0, 1) / 255 for each in pictures]
    )
    scores, _ = multi_score(Reward(client))(tensors, CAPTIONS[:2], [{}, {}])
    assert scores["avg"].tolist() == client.score(pictures, CAPTIONS[:2]).values.tolist()
