"""Judge `hps` against numbers recorded from the original, its pictures, and its checkpoints."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as PIL
from tests.judges.golden_models import (
    company,
    grid,
    kind,
    picture,
    refusal,
    single,
    values,
    verdicts,
    write_hps,
)
from tests.judges.media import refuses_other_media
from tests.judges.test_clip import RED, ColourTower, DirectHost
from tests.judges.tiny_models import image_batch, text_batch

from mmjudge.client import LocalClient
from mmjudge.contract.image_files import open_image
from mmjudge.contract.info import Input
from mmjudge.contract.items import Candidate, Item
from mmjudge.judges.backbones import hps_tower
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, load_dual_encoder
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.hps_picture import MEAN, STD, hps_picture
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.hps import HpsBackbone, HpsJudge, HpsOptions


@pytest.fixture(scope="module")
def recorded(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((goldens / "hpsv2/expected.json").read_text())
    return found


@pytest.fixture(scope="module")
def checkpoint(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_hps(goldens, tmp_path_factory.mktemp("hps"))


@pytest.fixture(scope="module")
def tower(checkpoint: Path) -> Tower:
    return load_dual_encoder(DualEncoderConfig(f"hps:{checkpoint}")).tower


@pytest.fixture(scope="module")
def client(checkpoint: Path) -> Iterator[LocalClient]:
    judges = {
        "hps": {"kind": kind("hps"), "model": str(checkpoint)},
        "strict": {"kind": kind("hps"), "model": f"hps:{checkpoint}", "long_text": "error"},
    }
    with LocalClient(judges) as it:
        yield it


def test_published_scores(goldens: Path, recorded: dict[str, Any], client: LocalClient) -> None:
    expected = np.load(goldens / "hpsv2/expected.npz")
    items = grid(goldens, recorded)
    found = company(client, "hps", single(items)).reshape(3, 3)
    np.testing.assert_allclose(found, expected["score_antialias"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found, expected["score_fp64_antialias"], rtol=0, atol=1e-5)
    np.testing.assert_array_equal(values(client, "hps", items), found)


@torch.inference_mode()
def test_pixels_ids_and_features(goldens: Path, recorded: dict[str, Any], tower: Tower) -> None:
    inputs = np.load(goldens / "hpsv2/inputs.npz")
    expected = np.load(goldens / "hpsv2/expected.npz")
    drawn = [open_image(picture(goldens, name)).picture for name in recorded["columns"]]
    (pixels,) = image_batch(tower, drawn)
    np.testing.assert_allclose(pixels, inputs["pixel_values_antialias"], rtol=0, atol=2e-5)
    ids, mask = text_batch(tower, recorded["rows"])
    np.testing.assert_array_equal(ids, inputs["input_ids"])
    exact = torch.from_numpy(inputs["pixel_values_antialias"])
    images = torch.nn.functional.normalize(tower.encode_images(exact)[0])
    texts = torch.nn.functional.normalize(tower.encode_texts(ids, mask)[0])
    np.testing.assert_allclose(images, expected["image_features_antialias"], rtol=0, atol=5e-6)
    np.testing.assert_allclose(texts, expected["text_features"], rtol=0, atol=5e-6)
    np.testing.assert_allclose(texts @ images.T, expected["score_antialias"], rtol=0, atol=5e-6)
    assert tower.logit_scale == pytest.approx(float(expected["logit_scale_exp"]), rel=1e-5)


def test_tokens_are_upstream_s(goldens: Path, tower: Tower) -> None:
    cases = json.loads((goldens / "hpsv2/tokenizer_cases.json").read_text())["cases"]
    cut = 0
    for case in cases:
        found = tower.tokenize(case["text"])
        cut += len(found) > 77
        assert tower.truncate(found) == case["input_ids"], case["text"]
        assert tower.truncate(found)[-1] == 49407
    assert cut >= 1 and len(cases) >= 18


def test_every_recorded_picture(goldens: Path) -> None:
    stored = np.load(goldens / "preprocess/hps_float_strided5.npz")
    names = [key.partition("__")[2] for key in stored if key.startswith("hps_224_antialias_true__")]
    assert len(names) == 14
    for name in names:
        expected = stored[f"hps_224_antialias_true__{name}"]
        found = hps_picture(open_image(picture(goldens, name)).picture, 224)
        assert found.shape == (3, 224, 224)
        if name == "edge_maxside224.png":  # upstream leaves out the black, and then fails
            top = (224 - 151) // 2
            found = found[:, top : top + 151]
        # Upstream keeps alpha as a fourth channel, and then fails; its colours are ours.
        np.testing.assert_allclose(
            found[:, ::5, ::5], expected[:3], rtol=0, atol=2e-5, err_msg=name
        )


def test_edge_pictures_score_as_upstream_or_where_it_fails_sensibly(
    goldens: Path, recorded: dict[str, Any], client: LocalClient
) -> None:
    results = json.loads((goldens / "hpsv2/edge_images.json").read_text())["results"]
    prompt = recorded["rows"][0]
    items = [Item([prompt], [Candidate([picture(goldens, name)])]) for name in results]
    found = company(client, "hps", items)[:, 0]
    failed = []
    for (name, result), score in zip(results.items(), found, strict=True):
        if "score_prompt0" in result:
            assert score == pytest.approx(result["score_prompt0"], abs=1e-5), name
        else:
            failed.append(name)
            assert -1 <= score <= 1
    assert failed == ["edge_rgba.png", "edge_maxside112.png"]


def test_alpha_is_dropped_and_told(goldens: Path, client: LocalClient) -> None:
    transparent = picture(goldens, "edge_rgba.png")
    (verdict,) = verdicts(client, "hps", [Item(["a cat"], [Candidate([transparent])])])
    assert [note.code for note in verdict.notes] == ["ALPHA_IGNORED"]
    opened = open_image(transparent).picture
    assert torch.equal(hps_picture(opened, 112), hps_picture(opened.convert("RGB"), 112))


def test_what_fits_already_gets_its_black_too() -> None:
    grey = hps_picture(PIL.new("RGB", (112, 74), (128, 128, 128)), 112)
    black = -torch.tensor(MEAN) / torch.tensor(STD)
    torch.testing.assert_close(grey[:, 0, 0], black)
    torch.testing.assert_close(grey[:, -1, -1], black)
    assert (grey[:, 19:-19] > 0).all() and grey.shape == (3, 112, 112)


def test_a_thread_of_a_picture_keeps_a_pixel() -> None:
    assert hps_picture(PIL.new("RGB", (4000, 20), "white"), 90).isfinite().all()


def test_a_prompt_beyond_the_context_is_cut_and_told(
    goldens: Path, recorded: dict[str, Any], client: LocalClient
) -> None:
    long = single(grid(goldens, recorded))[3]
    (verdict,) = verdicts(client, "hps", [long])
    assert [(note.code, note.field) for note in verdict.notes] == [
        ("TEXT_TRUNCATED", "prompt[0].text")
    ]
    assert refusal(client, "strict", long).reason == "TEXT_TOO_LONG"


@pytest.mark.parametrize(
    ("prompt", "parts", "reason", "field"),
    [
        ([], [RED], "PAIR_EXPECTED", "prompt"),
        (["red"], ["red"], "IMAGE_EXPECTED", "candidates[0].parts"),
    ],
)
def test_what_makes_no_pair_is_named(
    client: LocalClient, prompt: list[Any], parts: list[Any], reason: str, field: str
) -> None:
    error = refusal(client, "hps", Item(prompt, [Candidate(parts)]))
    assert (error.reason, error.field) == (reason, field)


def test_other_media_are_refused(client: LocalClient) -> None:
    refuses_other_media(client, "hps")


def test_the_published_keys_are_those_of_the_network(goldens: Path) -> None:
    file = goldens / "full_size_keys/hpsv2_vit_h_14.json"
    published = json.loads(file.read_text())
    config = hps_tower.published_config()
    for part, settings in published["config"].items():
        assert config[part] == settings, part
    with torch.device("meta"):
        network = hps_tower.build_network(config)
    expected = {key: tuple(shape) for key, (shape, _) in published["keys"].items()}
    assert {key: tuple(one.shape) for key, one in network.state_dict().items()} == expected
    assert sum(one.numel() for one in network.parameters()) == published["n_parameters"]


@pytest.mark.parametrize(
    ("version", "file"),
    [("v2.0", "HPS_v2_compressed.pt"), ("v2.1", "HPS_v2.1_compressed.pt")],
)
def test_published_versions_come_from_their_pinned_commit(
    monkeypatch: pytest.MonkeyPatch, version: str, file: str
) -> None:
    asked: list[tuple[str, ...]] = []

    def download(*arguments: str, revision: str) -> str:
        asked.append((*arguments, revision))
        raise OSError("no hub")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    with pytest.raises(BackboneUnavailable, match="no hub; fetch it elsewhere"):
        load_dual_encoder(DualEncoderConfig(f"hps:{version}"))
    assert asked == [("xswu/HPSv2", file, "697403c78157020a1ae59d23f111aa58ced35b0a")]


def test_the_default_is_the_newest_version() -> None:
    judge = HpsJudge("it", HpsOptions(), HpsBackbone(), DirectHost(ColourTower()))
    assert judge.info.provenance["model"] == "hps:v2.1"
    assert judge.info.reads == (Input.PROMPT_TEXT, Input.CANDIDATE_IMAGE)
    assert judge.info.range == (-1, 1)


def test_a_version_that_is_none_is_named() -> None:
    with pytest.raises(BackboneUnavailable, match=r"hps:v3: expected v2.0, v2.1 or the path"):
        load_dual_encoder(DualEncoderConfig("hps:v3"))


def test_a_file_has_no_revision(checkpoint: Path) -> None:
    with pytest.raises(BackboneUnavailable, match="a file has no revisions"):
        load_dual_encoder(DualEncoderConfig(f"hps:{checkpoint}", revision="main"))


def test_the_digest_is_checked(checkpoint: Path) -> None:
    right = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    load_dual_encoder(DualEncoderConfig(f"hps:{checkpoint}", sha256=right))
    with pytest.raises(BackboneUnavailable, match=f"expected sha256 {'0' * 64}, found {right}"):
        load_dual_encoder(DualEncoderConfig(f"hps:{checkpoint}", sha256="0" * 64))
    with pytest.raises(BackboneUnavailable, match="only hps: models have a sha256"):
        load_dual_encoder(DualEncoderConfig("photo-lite", sha256=right))


BROKEN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "1 missing: visual.proj": lambda state: state.pop("visual.proj"),
    "1 unexpected: head.weight": lambda state: state.update({"head.weight": torch.zeros(1)}),
    r"1 misshapen: visual.proj \[80, 25\] instead of \[80, 24\]": lambda state: state.update(
        {"visual.proj": torch.zeros(80, 25)}
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_weights_that_do_not_fit_are_named(checkpoint: Path, tmp_path: Path, fault: str) -> None:
    stored = torch.load(checkpoint, weights_only=True)
    BROKEN[fault](stored["state_dict"])
    torch.save(stored, tmp_path / "broken.pt")
    config = checkpoint.with_name("open_clip_config.json").read_text()
    (tmp_path / "open_clip_config.json").write_text(config)
    with pytest.raises(BackboneUnavailable, match=f"hps:.*broken.pt: {fault}"):
        load_dual_encoder(DualEncoderConfig(f"hps:{tmp_path / 'broken.pt'}"))


def test_an_architecture_that_is_none_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "it.pt").write_bytes(checkpoint.read_bytes())
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": {"embed_dim": 24}}')
    with pytest.raises(BackboneUnavailable, match="expected JSON with a model_cfg of embed_dim"):
        load_dual_encoder(DualEncoderConfig(f"hps:{tmp_path / 'it.pt'}"))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_low_precision_stays_close(
    checkpoint: Path, goldens: Path, recorded: dict[str, Any], dtype: Any
) -> None:
    small = load_dual_encoder(DualEncoderConfig(f"hps:{checkpoint}", dtype=dtype)).tower
    drawn = [open_image(picture(goldens, name)).picture for name in recorded["columns"]]
    expected = np.load(goldens / "hpsv2/expected.npz")["image_features_antialias"]
    with torch.inference_mode():
        (pixels,) = image_batch(small, drawn)
        found = torch.nn.functional.normalize(small.encode_images(pixels)[0].float())
    np.testing.assert_allclose((found * torch.from_numpy(expected)).sum(1), 1, rtol=0, atol=1e-2)
