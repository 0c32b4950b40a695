"""Judge `blip` over tiny weights: its three readouts, by itself and in an engine."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.judges import tiny_blips
from tests.judges.blip_passes import cosines, read
from tests.judges.direct_host import DirectHost
from tests.judges.tiny_models import PHRASES, pictures
from torch import Tensor

from mmjudge.client import LocalClient
from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.contract.items import Ask, Candidate, Item, Part, Want
from mmjudge.contract.verdicts import Judgement, Score, Verdict
from mmjudge.judges.backbones.blip import Blip, BlipConfig, load_blip
from mmjudge.judges.backbones.blip_tower import BlipTower
from mmjudge.judges.backbones.image_encoding import ImageEncoding
from mmjudge.judges.blip import BlipJudge, BlipOptions
from mmjudge.judges.judge import Judge

pytestmark = pytest.mark.usefixtures("one_thread")
KIND = "mmjudge.judges.blip:BlipJudge"
IMAGES = [PixelImage(np.asarray(picture)) for picture in pictures()]
LONG = "snow " * 60
READOUTS = ("itm", "itm_logit", "itc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_blips.write_blip(tmp_path_factory.mktemp("blip"))


@pytest.fixture
def host() -> DirectHost:
    return DirectHost()


def config(folder: Path) -> BlipConfig:
    return BlipConfig(str(folder), device="cpu")


def judge(folder: Path, host: DirectHost, score: Any = "itm", **options: Any) -> BlipJudge:
    return BlipJudge("blip", BlipOptions(score, **options), config(folder), host)


def item(prompt: list[Part], *candidates: Part) -> Item:
    return Item(prompt, [Candidate([part]) for part in candidates])


async def scores(it: BlipJudge, asked: Item) -> tuple[Score, ...]:
    found = await it.judge(asked, Ask())
    assert isinstance(found.outcome, Judgement)
    return found.outcome.scores


async def values(it: BlipJudge, asked: Item) -> list[float]:
    return [score.value for score in await scores(it, asked) if score.value is not None]


async def refusal(it: BlipJudge, asked: Item) -> tuple[str, str]:
    with pytest.raises(ItemError) as raised:
        await it.judge(asked, Ask())
    return raised.value.error.reason, raised.value.error.field


async def test_readouts_are_the_models_own(folder: Path, host: DirectHost) -> None:
    itm, logit, itc = (judge(folder, host, readout) for readout in READOUTS)
    blip: Blip = host.backbone(config(folder), load_blip)
    asked = item([PHRASES[0]], *IMAGES)
    logits = read(blip, [PHRASES[0]], IMAGES)[0]
    expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert await values(itm, asked) == pytest.approx(expected[:, 1].tolist(), abs=1e-12)
    assert await values(logit, asked) == logits[:, 1].tolist()
    for score, (mismatch, match) in zip(await scores(itm, asked), logits, strict=True):
        assert score.by_criterion == {"match": match, "mismatch": mismatch}
    product = cosines(blip, [PHRASES[0]], IMAGES)[0]
    assert await values(itc, asked) == pytest.approx(product.tolist(), abs=1e-12)
    one: Judge = itm
    kind: type[Judge] = BlipJudge
    assert isinstance(one, kind)


async def test_goldens(goldens: Path, folder: Path, host: DirectHost, tmp_path: Path) -> None:
    from transformers import BertTokenizer

    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        shutil.copyfile(goldens / "blip_itm" / name, tmp_path / name)
    words = tmp_path / "words"
    words.mkdir()
    shutil.copyfile(goldens / "tokenizers/bert_base_uncased_vocab.txt", words / "vocab.txt")
    BertTokenizer.from_pretrained(words).save_pretrained(tmp_path)
    told = json.loads((goldens / "blip_itm/expected.json").read_text())
    images = [EncodedImage((goldens / "images" / n).read_bytes()) for n in told["columns"]]
    expected = np.load(goldens / "blip_itm/expected.npz")
    backbone = replace(config(tmp_path), context_length=64)
    for readout, key, tolerance in (("itm", "p_match", 2e-6), ("itc", "itc", 3e-6)):
        options = BlipOptions(readout, long_text="truncate")  # type: ignore[arg-type]
        it = BlipJudge("golden", options, backbone, host)
        found = [await values(it, item([text], *images)) for text in told["rows"]]
        np.testing.assert_allclose(found, expected[key], rtol=0, atol=tolerance)


@pytest.mark.parametrize(
    ("logits", "expected"),
    [((0.0, 0.0), 0.5), ((3e38, -3e38), 0.0), ((-3e38, 3e38), 1.0), ((800.0, 0.0), 0.0)],
)
async def test_a_probability_stays_in_range(
    folder: Path,
    host: DirectHost,
    monkeypatch: pytest.MonkeyPatch,
    logits: tuple[float, float],
    expected: float,
) -> None:
    it = judge(folder, host)
    given(monkeypatch, *logits)
    assert await values(it, item(["a cat"], IMAGES[0])) == [pytest.approx(expected, abs=1e-300)]


async def test_what_is_no_number_is_not_made_one(
    folder: Path, host: DirectHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = judge(folder, host)
    given(monkeypatch, math.nan, 0.0)
    (value,) = await values(it, item(["a cat"], IMAGES[0]))
    assert math.isnan(value)  # which the server tells as SCORE_NOT_FINITE


def given(monkeypatch: pytest.MonkeyPatch, *logits: float) -> None:
    """Have every pair come out with these logits."""

    def head(self: BlipTower, fused: Tensor) -> Tensor:
        return torch.tensor([logits]).expand(len(fused), -1).contiguous()

    monkeypatch.setattr(BlipTower, "head", head)


async def test_a_caption_scores_as_the_picture_of_it_does(folder: Path, host: DirectHost) -> None:
    for readout in READOUTS:
        it = judge(folder, host, readout)
        assert await values(it, item([IMAGES[0]], PHRASES[0])) == await values(
            it, item([PHRASES[0]], IMAGES[0])
        )


async def test_a_preference_ranks_by_score(folder: Path, host: DirectHost) -> None:
    for readout in READOUTS:
        asked = item([PHRASES[0]], *IMAGES[:4])
        found: Verdict = await judge(folder, host, readout).judge(asked, Ask(Want.PREFERENCE))
        assert isinstance(found.outcome, Judgement)
        told = [score.value for score in found.outcome.scores if score.value is not None]
        ranks = tuple(1 + sum(other > value for other in told) for value in told)
        assert found.outcome.ranks == ranks


async def test_texts_are_checked_whatever_the_readout(folder: Path, host: DirectHost) -> None:
    for readout in READOUTS:
        it = judge(folder, host, readout)
        assert await refusal(it, item([], IMAGES[0])) == ("PAIR_EXPECTED", "prompt")
        assert await refusal(it, item([""], IMAGES[0])) == ("TEXT_EMPTY", "prompt[0].text")
        assert await refusal(it, item([LONG], IMAGES[0])) == ("TEXT_TOO_LONG", "prompt[0].text")
        cutting = judge(folder, host, readout, long_text="truncate")
        (note,) = (await cutting.judge(item([LONG], *IMAGES[:2]), Ask())).notes
        assert (note.code, note.field) == ("TEXT_TRUNCATED", "prompt[0].text")
        assert note.message == "62 tokens, of which 40 were read"
        assert (await refusal(it, item(["a cat"], EncodedImage(b"x"))))[0] == "IMAGE_UNDECODABLE"


async def test_what_it_says_of_itself(folder: Path, host: DirectHost) -> None:
    infos = [judge(folder, host, readout).info for readout in READOUTS]
    assert [info.range for info in infos] == [(0, 1), (None, None), (-1, 1)]
    assert {info.kind for info in infos} == {"blip"}
    assert all(info.wants == (Want.SCORE, Want.PREFERENCE) for info in infos)
    assert all(info.provenance["model"] == str(folder) for info in infos)
    for readout in READOUTS:
        it = judge(folder, host, readout)
        assert len(await values(it, it.example)) == 1


def test_all_that_changes_a_score_changes_the_fingerprint(folder: Path) -> None:
    def told(options: BlipOptions = BlipOptions(), **changes: Any) -> str:  # noqa: B008
        backbone = replace(config(folder), **changes)
        return BlipJudge("x", options, backbone, DirectHost()).info.fingerprint

    fingerprints = [
        told(),
        *(told(BlipOptions(readout)) for readout in ("itm_logit", "itc")),
        told(BlipOptions(long_text="truncate")),
        told(dtype="bfloat16"),
        told(deterministic=False),
        told(context_length=12),
    ]
    assert len(set(fingerprints)) == len(fingerprints)
    assert told(max_batch_items=3, sha256="") == told()


def test_only_judges_that_read_both_sides_together_keep_the_image_s_states(folder: Path) -> None:
    host = DirectHost()
    judge(folder, host, "itc")
    blip: Blip = host.backbone(config(folder), load_blip)
    assert not blip.images.keep_tokens
    judge(folder, host, "itm")
    assert blip.images.keep_tokens


def test_readouts_share_encoders_and_encode_an_image_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    forward = ImageEncoding.forward

    def counted(self: ImageEncoding, payloads: Any) -> Any:
        encoded.append(len(payloads))
        return forward(self, payloads)

    monkeypatch.setattr(ImageEncoding, "forward", counted)
    judges = {
        readout: {"kind": KIND, "model": str(folder), "score": readout} for readout in READOUTS
    }
    with LocalClient(judges) as client:
        encoded.clear()  # less the example
        found = client.score(IMAGES[0].pixels, PHRASES[:3], judges=list(READOUTS))
        assert encoded == [1]
        assert len({info.fingerprint for info in client.list_judges().judges.values()}) == 3
    assert all(len(set(found[readout].values.tolist())) == 3 for readout in READOUTS)
