"""What judges fetch: the same in `mmjudge pull` as in being loaded, which then needs no hub."""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.judges import tiny_blips, tiny_models
from tests.judges.direct_host import DirectHost
from tests.judges.fake_hub import HEAD, FakeHub, go_offline, serving_hub, use_cache

from mmjudge.judges.aesthetic import AestheticJudge
from mmjudge.judges.backbones import aesthetic_head, hps_tower
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig
from mmjudge.judges.backbones.image_reward import ImageRewardConfig
from mmjudge.judges.backbones.model_files import ModelFile, ModelFiles, hub_place
from mmjudge.judges.backbones.published import COMMITS
from mmjudge.judges.blip import BlipJudge
from mmjudge.judges.clip import ClipJudge, ClipOptions
from mmjudge.judges.ensemble import EnsembleBackbone, EnsembleJudge, EnsembleOptions
from mmjudge.judges.hps import HpsJudge
from mmjudge.judges.image_reward import ImageRewardJudge
from mmjudge.judges.judge import Judge, JudgeConfig
from mmjudge.judges.judge_files import NotPulled, judge_files
from mmjudge.judges.pickscore import PickScoreJudge

PICKSCORE, LAION = "yuvalkirstain/PickScore_v1", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
HEADS = "https://raw.githubusercontent.com"
TINY_REWARD = ImageRewardConfig(vision_heads=2)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving_hub(tmp_path / "cache", monkeypatch) as hub:
        yield hub


@pytest.fixture
def published(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub that has tiny models under the names that kinds load by default."""
    clip = tiny_models.write_clip(tmp_path / "clip")
    for name in (PICKSCORE, LAION, "openai/clip-vit-large-patch14"):
        hub.add(name, clip)
    del hub.files[f"{PICKSCORE}/preprocessor_config.json"]
    for name, writes in (
        ("Salesforce/blip-itm-base-coco", tiny_blips.write_blip),
        ("THUDM/ImageReward", tiny_blips.write_image_reward),
        ("google-bert/bert-base-uncased", tiny_blips.write_tokenizer),
    ):
        hub.add(name, writes(tmp_path / name.partition("/")[2]))
    _add_hps(hub, tmp_path, monkeypatch)
    _add_heads(hub, tmp_path, monkeypatch)
    return hub


def _add_hps(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny_models.OPEN_CLIP_VIT
    torch.save({"state_dict": hps_tower.build_network(config).state_dict()}, folder / "hps.pt")
    monkeypatch.setattr(hps_tower, "published_config", lambda: config)
    hub.files["xswu/HPSv2/HPS_v2.1_compressed.pt"] = (folder / "hps.pt").read_bytes()


def _add_heads(hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A published head for embeddings as small as the tiny CLIP's, at its URL."""
    torch.save({"weight": torch.ones(1, 24), "bias": torch.zeros(1)}, folder / "head.pth")
    data = (folder / "head.pth").read_bytes()
    name = "sac+logos+ava1-l14-linearMSE"
    head = aesthetic_head.PUBLISHED[name]._replace(sha256=hashlib.sha256(data).hexdigest())
    monkeypatch.setitem(aesthetic_head.PUBLISHED, name, head)

    def download(url: str, path: str, **_: Any) -> None:
        hub.fetched.add((url.removeprefix(HEADS), ""))
        Path(path).write_bytes(data)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)


def config(kind: type[Judge], backbone: Any = None, options: Any = None) -> JudgeConfig:
    return JudgeConfig("it", kind, backbone or kind.Backbone(), options or kind.Options())


def load(one: JudgeConfig) -> Judge:
    return one.kind(one.name, one.options, one.backbone, DirectHost())


DEFAULTS = {
    "pickscore": config(PickScoreJudge),
    "hps": config(HpsJudge),
    "aesthetic": config(AestheticJudge),
    "blip": config(BlipJudge),
    "image_reward": config(ImageRewardJudge, TINY_REWARD),
}


@pytest.mark.parametrize("kind", DEFAULTS)
def test_loading_fetches_what_pull_fetches_and_then_nothing(
    kind: str, published: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = DEFAULTS[kind]
    fingerprint = load(judge).info.fingerprint
    loaded = set(published.fetched)
    published.fetched.clear()
    use_cache(tmp_path / "another", monkeypatch)
    files = judge_files(judge)
    assert published.fetched == loaded and len(set(files)) == len(files) == len(loaded)
    go_offline(monkeypatch)
    assert load(judge).info.fingerprint == fingerprint
    assert judge_files(judge) == files


def test_defaults_come_at_their_pinned_commits(published: FakeHub) -> None:
    for judge in DEFAULTS.values():
        judge_files(judge)
    asked = {
        ("/".join(file.split("/")[:2]), revision)
        for file, revision in published.fetched
        if revision
    }
    assert asked == {*COMMITS.items(), ("google-bert/bert-base-uncased", "main")}


def test_the_embedded_judge_has_no_files() -> None:
    assert judge_files(config(ClipJudge)) == []


@pytest.mark.parametrize("revision", ["", "1" * 40])
def test_an_open_clip_model_of_the_hub(
    revision: str, hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("us/tiny", tiny_models.write_open_clip(tmp_path / "tiny", tiny_models.OPEN_CLIP_VIT))
    judge = config(ClipJudge, DualEncoderConfig("hf-hub:us/tiny", revision, device="cpu"))
    files = judge_files(judge)
    assert [hub_place(path) for path, _ in files] == [
        ("us/tiny", revision or HEAD, "open_clip_config.json"),
        ("us/tiny", revision or HEAD, "open_clip_model.safetensors"),
    ]
    go_offline(monkeypatch)
    load(judge)


def test_a_tag_of_open_clip_with_its_tokenizer(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files["timm/ViT-B-16-SigLIP/open_clip_model.safetensors"] = b"weights"
    hub.add("timm/ViT-B-16-SigLIP", tiny_models.write_unigram(tmp_path, 16))
    files = judge_files(config(ClipJudge, DualEncoderConfig("ViT-B-16-SigLIP/webli")))
    assert {path.name for path, _ in files} == {
        "open_clip_model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    }


def test_an_index_brings_its_shards(hub: FakeHub, tmp_path: Path) -> None:
    hub.add("us/clip", tiny_models.write_clip(tmp_path / "clip"))
    hub.files["us/clip/model-1.safetensors"] = hub.files.pop("us/clip/model.safetensors")
    hub.files["us/clip/model.safetensors.index.json"] = (
        b'{"weight_map": {"a": "model-1.safetensors", "b": "model-1.safetensors"}}'
    )
    judge = config(ClipJudge, DualEncoderConfig("transformers:us/clip"))
    names = [path.name for path, _ in judge_files(judge)]
    assert names[:3] == ["config.json", "model.safetensors.index.json", "model-1.safetensors"]


def test_parts_of_an_ensemble(published: FakeHub) -> None:
    parts = {
        "a": DEFAULTS["hps"],
        "b": config(ClipJudge, options=ClipOptions("clipscore")),
        "c": DEFAULTS["blip"],
    }
    options = EnsembleOptions(parts, dict.fromkeys(parts, 1.0))
    files = judge_files(config(EnsembleJudge, EnsembleBackbone(), options))
    assert files == judge_files(parts["a"]) + judge_files(parts["c"])
    lonely = config(EnsembleJudge, EnsembleBackbone(), EnsembleOptions(parts, {}))
    with pytest.raises(NotPulled, match=r"^judges\.it: weights\.a: missing"):
        judge_files(lonely)


def test_digests_that_a_configuration_asks_for_are_told(published: FakeHub) -> None:
    (head,) = [file for file in judge_files(DEFAULTS["aesthetic"]) if file.path.suffix == ".pth"]
    assert head.sha256 == aesthetic_head.PUBLISHED["sac+logos+ava1-l14-linearMSE"].sha256
    for judge in (
        config(HpsJudge, DualEncoderConfig("hps:v2.1", sha256="0" * 64)),
        config(ImageRewardJudge, ImageRewardConfig(sha256="0" * 64)),
    ):
        assert "0" * 64 in {file.sha256 for file in judge_files(judge)}


@pytest.mark.parametrize(
    "judge",
    [
        *DEFAULTS.values(),
        config(ClipJudge, DualEncoderConfig("hf-hub:us/tiny")),
        config(ClipJudge, DualEncoderConfig("ViT-B-32/openai")),
    ],
)
def test_errors_of_a_hub_out_of_reach_name_the_command(
    judge: JudgeConfig, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_route(*_: Any, **__: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "download_url_to_file", no_route)
    go_offline(monkeypatch)
    with pytest.raises(NotPulled, match=r"`mmjudge pull JUDGE`, run where there is a network"):
        judge_files(judge)
    with pytest.raises(Exception, match=r"`mmjudge pull JUDGE`, run where there is a network"):
        load(judge)


def test_a_file_that_the_hub_lacks_is_no_matter_of_pulling(hub: FakeHub) -> None:
    hub.files["us/it/README.md"] = b""
    with pytest.raises(NotPulled, match=r"us/it: no config\.json") as raised:
        judge_files(config(ClipJudge, DualEncoderConfig("transformers:us/it")))
    assert "mmjudge pull" not in str(raised.value)
    with pytest.raises(NotPulled, match="RepositoryNotFoundError"):
        judge_files(config(ClipJudge, DualEncoderConfig("transformers:us/other")))


def test_what_a_pinned_commit_lacks_is_asked_for_once(hub: FakeHub) -> None:
    hub.files["us/it/a"] = b"a"
    assert ModelFiles("us/it", "1" * 40).find("a", "b")
    hub.files["us/it/b"] = b"b"  # which no hub can do
    assert [path.name for path in ModelFiles("us/it", "1" * 40).find("a", "b")] == ["a"]


def test_local_files_are_told_as_they_lie(tmp_path: Path) -> None:
    folder = tiny_models.write_clip(tmp_path)
    files = judge_files(config(ClipJudge, DualEncoderConfig(f"transformers:{folder}")))
    assert ModelFile(folder / "model.safetensors") in files
    assert all(path.parent == folder for path, _ in files)


def test_a_kind_without_files_is_told() -> None:
    class Plain(PickScoreJudge):
        files: Any = None

    with pytest.raises(NotPulled, match="kind Plain does not say which files it loads"):
        judge_files(config(Plain))


def test_a_connection_lost_on_the_way_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import get_session

    library = sys.modules[type(get_session()).__module__.partition(".")[0]]

    def lost(*_: Any, **__: Any) -> None:
        raise library.ReadError("peer closed connection")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", lost)
    with pytest.raises(NotPulled, match="ReadError: peer closed connection; .*`mmjudge pull"):
        judge_files(config(HpsJudge))
