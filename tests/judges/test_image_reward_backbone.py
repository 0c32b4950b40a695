"""ImageReward's backbone: the published checkpoint's own numbers, its names, what is refused."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.judges import tiny_blips
from tests.judges.blip_passes import cosines, encode, read, readings
from tests.judges.tiny_models import PHRASES, pictures

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.blip import Blip
from mmjudge.judges.backbones.blip_network import POSITIONS, fill_network
from mmjudge.judges.backbones.blip_pictures import MEAN, STD
from mmjudge.judges.backbones.blip_tower import BlipTower
from mmjudge.judges.backbones.checkpoints import fit_state_dict
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.image_reward import ImageRewardConfig, load_image_reward
from mmjudge.judges.backbones.image_reward_checkpoint import published_name, reward_network
from mmjudge.judges.image_reward import DEVIATION
from mmjudge.judges.image_reward import MEAN as REWARD_MEAN

pytestmark = pytest.mark.usefixtures("one_thread")
CONTROL = ("[DEC]", "[ENC]", "[CLS]")


@cache
def load(model: Path, processor: Path, **settings: Any) -> Blip:
    config = ImageRewardConfig(str(model), processor=str(processor), device="cpu", **settings)
    return load_image_reward(config)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_blips.write_image_reward(tmp_path_factory.mktemp("image-reward"))


@pytest.fixture(scope="module")
def vocabulary(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bert")
    shutil.copyfile(goldens / "tokenizers/bert_base_uncased_vocab.txt", folder / "vocab.txt")
    return folder


@pytest.fixture(scope="module")
def golden(goldens: Path, vocabulary: Path) -> Blip:
    return load(goldens / "imagereward", vocabulary, vision_heads=4)


def golden_image(goldens: Path, name: str) -> EncodedImage:
    return EncodedImage((goldens / "images" / name).read_bytes())


def recorded(goldens: Path, name: str = "expected.json") -> Any:
    return json.loads((goldens / "imagereward" / name).read_text())


def rewards(blip: Blip, texts: list[str], images: list[EncodedImage]) -> Any:
    return (read(blip, texts, images)[..., 0] - REWARD_MEAN) / DEVIATION


def test_goldens_in_one_batch(goldens: Path, golden: Blip) -> None:
    told, expected = recorded(goldens), np.load(goldens / "imagereward/expected.npz")
    images = [golden_image(goldens, name) for name in told["columns"]]
    states = np.stack([np.asarray(found.tokens) for found in encode(golden, images)])
    np.testing.assert_allclose(states, expected["image_embeds"], rtol=0, atol=3e-5)
    found = rewards(golden, told["rows"], images)
    np.testing.assert_allclose(found, expected["score_single"], rtol=0, atol=2e-5)
    np.testing.assert_allclose(found, expected["reward_fp64"], rtol=0, atol=2e-5)
    blipscore = cosines(golden, told["rows"], images)
    np.testing.assert_allclose(blipscore, expected["blipscore"], rtol=0, atol=1e-6)


@torch.inference_mode()
def test_golden_class_states(goldens: Path, golden: Blip) -> None:
    told, expected = recorded(goldens), np.load(goldens / "imagereward/expected.npz")
    images = [golden_image(goldens, name) for name in told["columns"]]
    states = torch.stack([one.states for one in readings(golden, told["rows"], images)])
    stored = np.load(goldens / "imagereward/inputs.npz")
    ids = torch.from_numpy(stored["input_ids"]).repeat_interleave(3, 0)
    mask = torch.from_numpy(stored["attention_mask"]).bool().repeat_interleave(3, 0)
    assert isinstance(golden.tower, BlipTower)
    fused = golden.tower.fuse(states, ids, mask)
    np.testing.assert_allclose(fused, expected["cls"], rtol=0, atol=3e-5)


def test_goldens_one_at_a_time(goldens: Path, golden: Blip) -> None:
    told, expected = recorded(goldens), np.load(goldens / "imagereward/expected.npz")
    images = [golden_image(goldens, name) for name in told["columns"]]
    found = [[rewards(golden, [text], [image]).item() for image in images] for text in told["rows"]]
    np.testing.assert_allclose(found, expected["score_single"], rtol=0, atol=2e-5)
    assert found == rewards(golden, told["rows"], images).tolist()
    assert found == rewards(golden, told["rows"][::-1], images[::-1])[::-1, ::-1].tolist()


def test_goldens_of_odd_pictures(goldens: Path, golden: Blip) -> None:
    rows, odd = recorded(goldens)["rows"], recorded(goldens, "edge_images.json")["results"]
    images = [golden_image(goldens, name) for name in odd]
    assert len(images) == 11
    expected = np.array(list(odd.values())).T
    np.testing.assert_allclose(rewards(golden, rows, images), expected, rtol=0, atol=2e-5)


def test_golden_pixels_to_the_bit(goldens: Path, golden: Blip) -> None:
    stored = np.load(goldens / "imagereward/inputs.npz")["pixel_values"]
    for name, expected in zip(recorded(goldens)["columns"], stored, strict=True):
        (found,) = golden.tower.preprocess(open_image(golden_image(goldens, name)).picture)
        assert np.array_equal(found.numpy(), expected), name


def test_golden_preprocessing_to_the_bit(goldens: Path, golden: Blip) -> None:
    stored = np.load(goldens / "preprocess/uint8_after_resize_crop.npz")
    keys = [key for key in stored.files if key.startswith("clip_pil_224__")]
    assert len(keys) == 14
    mean, std = (torch.tensor(numbers).view(3, 1, 1) for numbers in (MEAN, STD))
    for key in keys:
        image = golden_image(goldens, key.removeprefix("clip_pil_224__"))
        (found,) = golden.tower.preprocess(open_image(image).picture)
        expected = torch.from_numpy(stored[key]).float().div(255).sub(mean).div(std)
        assert torch.equal(found, expected), key


def test_golden_tokens(goldens: Path, golden: Blip) -> None:
    stored = np.load(goldens / "imagereward/inputs.npz")["input_ids"]
    cases = recorded(goldens, "tokenizer_cases.json")["cases"]
    assert len(cases) == 19
    for text, expected in zip(recorded(goldens)["rows"], stored.tolist(), strict=True):
        assert ids(golden, text) == expected
    plain = [case for case in cases if not any(word in case["text"] for word in CONTROL)]
    assert len(plain) == 16
    for case in plain:
        assert ids(golden, case["text"]) == case["input_ids"], case["text"]


def test_control_tokens_in_a_text_are_plain_text(goldens: Path, golden: Blip) -> None:
    """Here alone the published code differs: a caller's text could end or begin what is read."""
    for case in recorded(goldens, "tokenizer_cases.json")["cases"]:
        if any(word in case["text"] for word in CONTROL):
            found = [token for token in ids(golden, case["text"]) if token]
            assert found != [token for token in case["input_ids"] if token]
            assert found[0] == 101 and found[-1] == 102
            assert not {0, 101, 102, 103, 30522, 30523} & set(found[1:-1])
    without = json.loads((goldens / "blip_itm/tokenizer_cases.json").read_text())["cases"]
    (expected,) = (case["input_ids"] for case in without if case["text"] == "[DEC] start here")
    assert ids(golden, "[DEC] start here")[: len(expected)] == expected


def ids(blip: Blip, text: str) -> list[int]:
    """Ids as the model reads them, padded."""
    found = blip.tower.truncate(blip.tower.tokenize(text))
    return found + [blip.tower.pad_id] * (35 - len(found))


def test_published_names_and_shapes_are_the_full_size_models_own(goldens: Path) -> None:
    stored = json.loads((goldens / "full_size_keys/imagereward.json").read_text())["keys"]
    with torch.device("meta"):
        state = {
            key: torch.empty(shape, dtype=getattr(torch, dtype))
            for key, (shape, dtype) in stored.items()
        }
    assert state.pop(f"blip.{POSITIONS}").shape == (1, 512) and len(state) == 624
    network = reward_network(state, {}, 0)
    shapes = {published_name(key): value.shape for key, value in network.state_dict().items()}
    fit_state_dict(state, shapes, "ImageReward.pt")
    assert all(parameter.is_meta for parameter in network.parameters())
    vision, text = network.config.vision_config, network.config.text_config
    assert (vision.num_attention_heads, text.num_attention_heads) == (16, 12)
    assert (vision.image_size, vision.patch_size, vision.num_hidden_layers) == (224, 16, 24)
    assert (vision.layer_norm_eps, text.layer_norm_eps) == (1e-6, 1e-12)
    assert vision.hidden_act == text.hidden_act == "gelu"


def test_the_published_sizes_are_those_without_a_checkpoint(goldens: Path) -> None:
    stored = json.loads((goldens / "full_size_keys/imagereward.json").read_text())["keys"]
    network = reward_network({}, {}, 0)
    shapes = {published_name(key): list(v.shape) for key, v in network.state_dict().items()}
    assert shapes == {key: shape for key, (shape, _) in stored.items() if POSITIONS not in key}


def test_no_weight_is_left_empty(tiny: Path) -> None:
    state = tiny_blips.image_reward_state()
    state.pop(f"blip.{POSITIONS}")
    network = reward_network(state, {"num_attention_heads": 2}, 2)
    names = {key: published_name(key) for key in network.state_dict()}
    assert sorted(names.values()) == sorted(state)
    fill_network(network, state, names, "x")
    assert not any(part.is_meta for part in (*network.parameters(), *network.buffers()))
    assert network.text_encoder.embeddings.position_ids.tolist() == [list(range(48))]


def test_a_name_that_the_checkpoint_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match=r"text_model\.x"):
        published_name("text_model.x")


IMAGES = [PixelImage(np.asarray(picture)) for picture in pictures()]
TEXTS = [*PHRASES, "a cat", "snow " * 60]


def test_a_score_does_not_depend_on_its_company(tiny: Path) -> None:
    blip = load(tiny, tiny, vision_heads=2)
    found = read(blip, TEXTS, IMAGES)[..., 0]
    assert len(np.unique(found)) == found.size
    order, columns = np.random.default_rng(0).permutation(7), np.array([4, 0, 5, 2, 1, 3])
    again = read(blip, [TEXTS[i] for i in order], [IMAGES[i] for i in columns])[..., 0]
    assert np.array_equal(again, found[np.ix_(order, columns)])
    for row, column in ((0, 0), (3, 5), (6, 2)):
        assert read(blip, [TEXTS[row]], [IMAGES[column]]).item() == found[row, column]


def test_free_passes_give_the_same_scores_but_for_rounding(tiny: Path) -> None:
    fixed, free = (load(tiny, tiny, vision_heads=2, deterministic=one) for one in (True, False))
    np.testing.assert_allclose(
        read(free, TEXTS, IMAGES), read(fixed, TEXTS, IMAGES), rtol=0, atol=1e-4
    )
    assert free.pairs.fingerprint != fixed.pairs.fingerprint


def test_lower_precision_comes_near(tiny: Path) -> None:
    half = load(tiny, tiny, vision_heads=2, dtype="bfloat16")
    full = load(tiny, tiny, vision_heads=2)
    found, expected = read(half, TEXTS, IMAGES), read(full, TEXTS, IMAGES)
    assert found.dtype == np.float64 and np.isfinite(found).all()
    assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.95


def copied(tiny: Path, folder: Path, **changes: Any) -> Path:
    """The tiny checkpoint with some of its weights replaced, or left out for None."""
    shutil.copytree(tiny, folder, dirs_exist_ok=True)
    state = tiny_blips.image_reward_state() | changes
    kept = {key: value for key, value in state.items() if value is not None}
    torch.save(kept, folder / "ImageReward.pt")
    return folder


def refusal(model: Path | str, processor: Path, **settings: Any) -> str:
    given: dict[str, Any] = {"device": "cpu", "vision_heads": 2} | settings
    with pytest.raises(BackboneUnavailable) as raised:
        load_image_reward(ImageRewardConfig(str(model), processor=str(processor), **given))
    return str(raised.value)


def test_a_checkpoint_s_path_is_as_good_as_its_folder(tiny: Path) -> None:
    by_folder, by_file = load(tiny, tiny, vision_heads=2), tiny / "ImageReward.pt"
    assert load(by_file, tiny, vision_heads=2).provenance == by_folder.provenance


def test_a_wrapped_checkpoint_is_read(tiny: Path, tmp_path: Path) -> None:
    folder = copied(tiny, tmp_path)
    torch.save({"model": tiny_blips.image_reward_state()}, folder / "ImageReward.pt")
    found = load(folder, tiny, vision_heads=2)
    assert found.provenance == load(tiny, tiny, vision_heads=2).provenance


def test_half_precision_and_strided_views_are_read_exactly(tiny: Path, tmp_path: Path) -> None:
    repeated = torch.arange(tiny_blips.HIDDEN).half().expand(tiny_blips.ROWS, -1)
    name = "blip.text_encoder.embeddings.word_embeddings.weight"
    as_view = copied(tiny, tmp_path / "a", **{name: repeated})
    as_copy = copied(tiny, tmp_path / "b", **{name: repeated.float().contiguous()})
    found, expected = load(as_view, tiny, vision_heads=2), load(as_copy, tiny, vision_heads=2)
    assert found.provenance["weights"] == expected.provenance["weights"]


def test_missing_unexpected_and_misshapen_weights_are_named(tiny: Path, tmp_path: Path) -> None:
    folder = copied(
        tiny,
        tmp_path,
        **{
            "mlp.layers.7.bias": None,
            "blip.visual_encoder.blocks.1.norm1.weight": None,
            "blip.text_decoder.x": torch.ones(1),
            "mlp.layers.4.weight": torch.ones(64, 127),
        },
    )
    told = refusal(folder, tiny)
    assert "2 missing: " in told and "mlp.layers.7.bias" in told
    assert "blip.visual_encoder.blocks.1.norm1.weight" in told
    assert "1 unexpected: blip.text_decoder.x" in told
    assert "mlp.layers.4.weight [64, 127] instead of [64, 128]" in told
    assert "this looks like an ImageReward checkpoint" in told


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("pickscore/model.safetensors", "a CLIP (transformers: PickScore"),
        ("hpsv2/HPS_tiny_compressed.pt", "a CLIP (open_clip and OpenAI's layout: HPS v2"),
        ("blip_itm/model.safetensors", "a BLIP image-text matching (transformers)"),
        ("aesthetic/sac+logos+ava1-l14-linearMSE.pth", "an aesthetic head"),
    ],
)
def test_another_kind_of_checkpoint_is_told(
    goldens: Path, tiny: Path, file: str, kind: str
) -> None:
    told = refusal(goldens / file, tiny)
    assert f"this looks like {kind}" in told and "missing, such as blip." in told


def test_a_wrong_digest_is_refused(tiny: Path) -> None:
    assert f"expected sha256 {'1' * 64}, found " in refusal(tiny, tiny, sha256="1" * 64)


def test_a_pickle_of_code_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = copied(tiny, tmp_path)
    torch.save(torch.nn.Linear(1, 1), folder / "ImageReward.pt")
    assert "not opened, since that can run code" in refusal(folder, tiny)


def test_settings_that_contradict_the_weights_are_refused(tiny: Path, tmp_path: Path) -> None:
    assert "vision_heads 3: expected a divisor of the width 16" in refusal(
        tiny, tiny, vision_heads=3
    )
    for heads in (3, "2"):
        folder = copied(tiny, tmp_path)
        (folder / "med_config.json").write_text(json.dumps({"num_attention_heads": heads}))
        assert "med_config.json: num_attention_heads" in refusal(folder, tiny)
    (folder / "med_config.json").write_text('{"num_attention_heads": 2, "hidden_act": "jump"}')
    assert "no BLIP can be built of its configuration" in refusal(folder, tiny)
    (folder / "med_config.json").write_text('{"num_attention_heads": 2, "layer_norm_eps": "x"}')
    assert "no BLIP can be built of its configuration" in refusal(folder, tiny)
    (folder / "med_config.json").write_text("[1]")
    assert "expected a JSON object, found list" in refusal(folder, tiny)


@pytest.mark.parametrize(("more", "fits"), [(-1, False), (0, True), (2, True), (3, False)])
def test_another_model_s_tokenizer_is_refused(
    tiny: Path, tmp_path: Path, more: int, fits: bool
) -> None:
    words = [*tiny_blips.VOCABULARY, "##1", "##2", "##3"][: len(tiny_blips.VOCABULARY) + more]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    if fits:
        load(tiny, tmp_path, vision_heads=2)
    else:
        assert "it belongs to another model" in refusal(tiny, tmp_path)


@pytest.mark.usefixtures("offline")
def test_what_is_not_there_is_told(tiny: Path, tmp_path: Path) -> None:
    assert "ImageReward.pt" in refusal(tmp_path, tiny)
    assert "vocab.txt" in refusal(tiny, tmp_path)
    assert "a folder has no revisions" in refusal(tiny, tiny, revision="main")
    assert "a file has no revisions" in refusal(tiny / "ImageReward.pt", tiny, revision="main")
    assert "nobody/nothing" in refusal("nobody/nothing", tiny)
    assert "this machine has" in refusal(tiny, tiny, device="cuda:9")
