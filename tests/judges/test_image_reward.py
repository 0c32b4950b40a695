"""Judge `image_reward` over tiny weights, by itself and in an engine."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.judges import tiny_blips
from tests.judges.blip_passes import read
from tests.judges.direct_host import DirectHost
from tests.judges.tiny_models import PHRASES, pictures

from mmjudge.client import LocalClient
from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Ask, Candidate, Item, Part, Want
from mmjudge.contract.verdicts import Judgement, Verdict
from mmjudge.judges.backbones.image_encoding import ImageEncoding
from mmjudge.judges.backbones.image_reward import ImageRewardConfig, load_image_reward
from mmjudge.judges.image_reward import DEVIATION, MEAN, ImageRewardJudge, ImageRewardOptions
from mmjudge.judges.judge import Judge

pytestmark = pytest.mark.usefixtures("one_thread")
KIND = "mmjudge.judges.image_reward:ImageRewardJudge"
IMAGES = [PixelImage(np.asarray(picture)) for picture in pictures()]
LONG = "snow " * 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_blips.write_image_reward(tmp_path_factory.mktemp("image-reward"))


@pytest.fixture(scope="module")
def host() -> DirectHost:
    return DirectHost()


def config(folder: Path) -> ImageRewardConfig:
    return ImageRewardConfig(str(folder), processor=str(folder), vision_heads=2, device="cpu")


def judge(folder: Path, host: DirectHost, **options: Any) -> ImageRewardJudge:
    return ImageRewardJudge("reward", ImageRewardOptions(**options), config(folder), host)


def item(prompt: list[Part], *candidates: Part) -> Item:
    return Item(prompt, [Candidate([part]) for part in candidates])


async def verdict(it: ImageRewardJudge, asked: Item, want: Want = Want.SCORE) -> Verdict:
    return await it.judge(asked, Ask(want))


def values(found: Verdict) -> list[float]:
    assert isinstance(found.outcome, Judgement)
    return [score.value for score in found.outcome.scores if score.value is not None]


async def refusal(it: ImageRewardJudge, asked: Item) -> tuple[str, str]:
    with pytest.raises(ItemError) as raised:
        await it.judge(asked, Ask())
    return raised.value.error.reason, raised.value.error.field


async def test_a_reward_is_the_head_s_output_standardised(folder: Path, host: DirectHost) -> None:
    one: Judge = judge(folder, host)
    kind: type[Judge] = ImageRewardJudge
    assert isinstance(one, kind)
    blip = host.backbone(config(folder), load_image_reward)  # which the judge has loaded
    outputs = read(blip, [PHRASES[0]], IMAGES)[0, :, 0]
    found = values(await one.judge(item([PHRASES[0]], *IMAGES), Ask()))
    assert found == ((outputs - 0.16717362830052426) / 1.0333394966054072).tolist()


async def test_a_caption_scores_as_the_picture_of_it_does(folder: Path, host: DirectHost) -> None:
    it = judge(folder, host)
    assert values(await verdict(it, item([IMAGES[0]], *PHRASES[:2]))) == [
        *values(await verdict(it, item([PHRASES[0]], IMAGES[0]))),
        *values(await verdict(it, item([PHRASES[1]], IMAGES[0]))),
    ]


async def test_a_preference_ranks_by_reward(folder: Path, host: DirectHost) -> None:
    asked = item([PHRASES[0]], *IMAGES[:3], IMAGES[0])
    found = await verdict(judge(folder, host), asked, Want.PREFERENCE)
    assert isinstance(found.outcome, Judgement)
    rewards = values(found)
    ranks = [1 + sum(other > reward for other in rewards) for reward in rewards]
    assert list(found.outcome.ranks) == ranks and len(set(ranks)) == 3
    assert (await verdict(judge(folder, host), asked)).outcome.ranks == ()  # type: ignore[union-attr]


async def test_a_text_beyond_35_tokens_is_cut_and_noted(folder: Path, host: DirectHost) -> None:
    it = judge(folder, host)
    found = await verdict(it, item([LONG], *IMAGES[:2]))
    (note,) = found.notes  # both candidates share the prompt, and its note is told once
    assert (note.code, note.field) == ("TEXT_TRUNCATED", "prompt[0].text")
    assert note.message == "62 tokens, of which 35 were read"
    assert values(found) == values(await verdict(it, item(["snow " * 33], *IMAGES[:2])))
    found = await verdict(it, item([IMAGES[0]], "snow", LONG))
    assert [note.field for note in found.notes] == ["candidates[1].parts[0].text"]


async def test_a_long_text_is_refused_where_configured(folder: Path, host: DirectHost) -> None:
    it = judge(folder, host, long_text="error")
    assert await refusal(it, item([LONG], IMAGES[0])) == ("TEXT_TOO_LONG", "prompt[0].text")
    assert values(await verdict(it, item(["snow " * 33], IMAGES[0])))


async def test_bad_items_are_told_with_their_path(folder: Path, host: DirectHost) -> None:
    it, broken = judge(folder, host), EncodedImage(b"no image")
    image = IMAGES[0]
    assert await refusal(it, item([], image)) == ("PAIR_EXPECTED", "prompt")
    assert await refusal(it, item(["a", "b"], image)) == ("PAIR_EXPECTED", "prompt")
    assert await refusal(it, item([" \n"], image)) == ("TEXT_EMPTY", "prompt[0].text")
    assert await refusal(it, item([image], "")) == ("TEXT_EMPTY", "candidates[0].parts[0].text")
    assert await refusal(it, item(["a cat"], image, broken)) == (
        "IMAGE_UNDECODABLE",
        "candidates[1].parts[0].image",
    )


async def test_what_it_says_of_itself(folder: Path, host: DirectHost) -> None:
    info = judge(folder, host).info
    assert info.kind == "image_reward" and info.range == (None, None)
    assert info.wants == (Want.SCORE, Want.PREFERENCE)
    assert info.provenance["model"] == str(folder) and len(info.provenance["weights"]) == 64
    assert "then RGB" in info.provenance["preprocessing"]
    it = judge(folder, host)
    assert len(values(await it.judge(it.example, Ask()))) == 1


def fingerprint(folder: Path, name: str = "x", long_text: Any = "truncate", **changes: Any) -> str:
    backbone = replace(config(folder), **changes)
    options = ImageRewardOptions(long_text)
    return ImageRewardJudge(name, options, backbone, DirectHost()).info.fingerprint


def test_all_that_changes_a_score_changes_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    state = tiny_blips.image_reward_state()
    state["mlp.layers.7.bias"] += 1e-6
    torch.save(state, tmp_path / "ImageReward.pt")
    activation = tmp_path / "activation"
    shutil.copytree(folder, activation)
    med = json.loads((folder / "med_config.json").read_text()) | {"hidden_act": "gelu_new"}
    (activation / "med_config.json").write_text(json.dumps(med))
    words = tmp_path / "words"
    words.mkdir()
    swapped = [*tiny_blips.VOCABULARY[:-2], *tiny_blips.VOCABULARY[:-3:-1]]
    (words / "vocab.txt").write_text("\n".join(swapped) + "\n")
    fingerprints = [
        fingerprint(folder),
        fingerprint(folder, long_text="error"),
        fingerprint(folder, dtype="bfloat16"),
        fingerprint(folder, deterministic=False),
        fingerprint(folder, vision_heads=4),
        fingerprint(folder, processor=str(words)),
        fingerprint(tmp_path),
        fingerprint(activation),
    ]
    assert len(set(fingerprints)) == len(fingerprints)


def test_nothing_else_changes_the_fingerprint(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    shutil.copytree(folder, copy)
    same = [
        fingerprint(folder),
        fingerprint(folder, name="y"),
        fingerprint(copy),
        fingerprint(folder, model=str(copy / "ImageReward.pt"), processor=str(copy)),
        fingerprint(folder, max_batch_items=3, max_batch_pixels=32 * 32),
    ]
    assert len(set(same)) == 1


def test_an_image_is_encoded_once_for_all_texts(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    forward = ImageEncoding.forward

    def counted(self: ImageEncoding, payloads: Any) -> Any:
        encoded.append(len(payloads))
        return forward(self, payloads)

    monkeypatch.setattr(ImageEncoding, "forward", counted)
    settings = {"kind": KIND, "model": str(folder), "processor": str(folder), "vision_heads": 2}
    with LocalClient({"reward": settings}) as client:
        encoded.clear()  # less the example
        together = client.score(IMAGES[0].pixels, PHRASES[:3]).values
        assert encoded == [1]
        alone = [client.score(IMAGES[0].pixels, text).values.item() for text in PHRASES[:3]]
        assert encoded == [1]  # still held
        assert len(set(alone)) == 3 and together.tolist() == alone


def test_the_published_constants() -> None:
    assert (MEAN, DEVIATION) == (0.16717362830052426, 1.0333394966054072)
