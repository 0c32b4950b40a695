"""open_clip models as towers: open_clip's own numbers, its tokens, features of tokens, errors."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.judges import tiny_models
from tests.judges.tiny_models import OPEN_CLIP_VIT, PHRASES, image_batch, pictures, text_batch

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.open_clip_tower import load_open_clip_tower
from mmjudge.judges.backbones.tower import Tower

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
WEIGHTS = "open_clip_model.safetensors"
TEXTS = [
    *PHRASES,
    "",
    "Naïve CAFÉ — 50% off!! 日本語 🚀 don't &amp; won't",
    "ﬁancé ＡＢＣ ‘quoted’ “text”",
    "word " * 200,
    "antidisestablishmentarianism " * 30,
]
MODES = ["1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr"]


@cache  # most tests read the same folders
def load(folder: Path, dtype: torch.dtype = torch.float32) -> Tower:
    return load_open_clip_tower(f"local-dir:{folder}", "", CPU, dtype)


@cache
def reference(folder: Path, precision: str = "fp32") -> tuple[Any, Any, Any]:
    name = f"local-dir:{folder}"
    network, transform = open_clip.create_model_from_pretrained(name, precision=precision)
    return network.eval(), transform, open_clip.get_tokenizer(name)


@pytest.fixture(params=["open_clip_folder", "open_clip_siglip_folder"])
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


@torch.inference_mode()
def test_images_are_open_clips_to_the_bit(folder: Path) -> None:
    tower, (network, transform, _) = load(folder), reference(folder)
    drawn = [*pictures(), *(pictures()[0].convert(mode) for mode in MODES)]
    (batch,) = image_batch(tower, drawn)
    assert torch.equal(batch, torch.stack([transform(picture) for picture in drawn]))
    embeddings, _ = tower.encode_images(batch)
    assert torch.equal(embeddings, network.encode_image(batch))
    assert embeddings.shape == (len(drawn), tower.dim)
    assert tower.image_cost == batch[0, 0].numel()


@torch.inference_mode()
def test_texts_are_open_clips_to_the_bit(folder: Path) -> None:
    tower, (network, _, tokenizer) = load(folder), reference(folder)
    ids, mask = text_batch(tower, TEXTS)
    assert torch.equal(ids, tokenizer(TEXTS))
    embeddings, _ = tower.encode_texts(ids, mask)
    assert torch.equal(embeddings, network.encode_text(ids))


def test_low_precision_is_open_clips(folder: Path) -> None:
    with torch.inference_mode():
        tower, (network, _, _) = load(folder, torch.bfloat16), reference(folder, "bf16")
        (pixels,) = image_batch(tower, pictures())
        ids, mask = text_batch(tower, TEXTS)
        image, patches = tower.encode_images(pixels)
        text, tokens = tower.encode_texts(ids, mask)
        assert torch.equal(image, network.encode_image(pixels.bfloat16()))
        assert torch.equal(text, network.encode_text(ids))
    assert tokens is not None and tokens.dtype == text.dtype == torch.bfloat16
    assert patches is None or patches.dtype == torch.bfloat16
    assert tower.logit_scale == load(folder).logit_scale  # it stays in float32


def test_what_a_tower_says_of_itself(open_clip_folder: Path, open_clip_siglip_folder: Path) -> None:
    clip, siglip = load(open_clip_folder), load(open_clip_siglip_folder)
    assert (clip.dim, clip.context_length, clip.text_lengths, clip.grid) == (24, 77, (77,), (4, 4))
    assert clip.logit_scale == pytest.approx(1 / 0.07, rel=1e-5) and clip.logit_bias is None
    assert (siglip.logit_bias, siglip.grid, siglip.text_lengths) == (-10.0, None, (16,))
    assert (clip.pad_id, siglip.pad_id) == (0, 1)
    assert "transformers" in siglip.libraries and "transformers" not in clip.libraries
    assert '"resize_mode": "shortest"' in clip.preprocessing and "\n" not in clip.preprocessing
    assert load(open_clip_folder).preprocessing == clip.preprocessing


def test_tokens_of_long_texts_keep_their_end(folder: Path) -> None:
    tower, tokenizer = load(folder), reference(folder)[2]
    text = "the quick brown fox jumps over the lazy dog " * 20
    ids = tower.tokenize(text)
    assert len(ids) > 2 * tower.context_length
    assert tower.truncate(ids) == tokenizer(text)[0].tolist()
    assert tower.truncate(ids[:5]) == ids[:5]


@pytest.mark.parametrize(
    "text",
    ["<end_of_text>", "a <END_OF_TEXT> cat", "<start_of_text>dog", "&lt;end_of_text&gt;"],
)
def test_control_tokens_are_plain_text(open_clip_folder: Path, text: str) -> None:
    tower, tokenizer = load(open_clip_folder), reference(open_clip_folder)[2]
    assert {49406, 49407} & set(tokenizer.encode(text))  # open_clip alone lets them through
    ids = tower.tokenize(text)
    assert (ids[0], ids[-1]) == (49406, 49407)
    assert not {49406, 49407} & set(ids[1:-1])


def test_control_tokens_of_a_unigram_model_are_plain_text(tmp_path: Path) -> None:
    # The model itself knows "</s>" as its best piece, so that encode_special_tokens alone fails.
    config = OPEN_CLIP_VIT | {
        "text_cfg": OPEN_CLIP_VIT["text_cfg"] | {"hf_tokenizer_name": "tiny", "vocab_size": 200}
    }
    tiny_models.write_open_clip(tmp_path, config)
    tower = load(tiny_models.write_unigram(tmp_path, context=77))
    plain = reference(tmp_path)[2].tokenizer
    assert 1 in plain("a cat </s> dog", split_special_tokens=True).input_ids[:-1]
    ids = tower.tokenize("a cat </s> dog")
    assert 1 not in ids[:-1] and ids[-1] == 1
    assert tower.tokenize("a cat") == plain("a cat").input_ids


def test_a_megabyte_without_a_space_takes_seconds(open_clip_folder: Path) -> None:
    # open_clip's own merging is quadratic in the length of a word: hours.
    letters = np.random.default_rng(0).choice(list("etaoinshrdlu"), 2**20)
    assert len(load(open_clip_folder).tokenize("".join(letters))) > 2**18


def test_words_are_merged_as_open_clip_merges_them(open_clip_folder: Path) -> None:
    tower, tokenizer = load(open_clip_folder), reference(open_clip_folder)[2]
    draw = np.random.default_rng(0)
    for size in draw.integers(1, 40, 2000):
        word = "".join(draw.choice(list("etaoinshrdlucmfé日🚀'5.,"), size))
        assert tower.tokenize(word)[1:-1] == tokenizer.encode(word), word


@torch.inference_mode()
def test_every_patch_goes_where_the_class_token_goes(open_clip_folder: Path) -> None:
    tower, (network, _, _) = load(open_clip_folder), reference(open_clip_folder)
    (pixels,) = image_batch(tower, pictures())
    embeddings, patches = tower.encode_images(pixels)
    states: list[torch.Tensor] = []
    with network.visual.ln_post.register_forward_hook(lambda *call: states.append(call[2])):
        network.encode_image(pixels)
    projected = states[0] @ network.visual.proj
    assert patches is not None and patches.shape == (len(pixels), 16, 24)
    torch.testing.assert_close(projected[:, 0], embeddings)
    torch.testing.assert_close(projected[:, 1:], patches)


@torch.inference_mode()
@pytest.mark.parametrize("pooled", ["end", "last"])
def test_every_token_goes_where_the_pooled_one_goes(
    pooled: str, open_clip_folder: Path, open_clip_siglip_folder: Path
) -> None:
    tower = load(open_clip_folder if pooled == "end" else open_clip_siglip_folder)
    ids, mask = text_batch(tower, PHRASES)
    embeddings, tokens = tower.encode_texts(ids, mask)
    assert tokens is not None and tokens.shape == (*ids.shape, tower.dim)
    last = mask.sum(1) - 1 if pooled == "end" else torch.full((len(ids),), -1)
    torch.testing.assert_close(tokens[torch.arange(len(ids)), last], embeddings)


@torch.inference_mode()
@pytest.mark.parametrize(
    ("vision", "grid", "mean"),
    [
        ({"pool_type": "avg"}, (4, 4), True),
        ({"pool_type": "tok", "final_ln_after_pool": True}, (4, 4), False),
        ({"pool_type": "avg", "final_ln_after_pool": True}, None, False),
        ({"layers": [1, 1, 1, 1], "width": 8, "head_width": 8}, None, False),
        (
            {"timm_model_name": "test_vit", "timm_pool": "token", "timm_proj": "linear"}
            | {"image_size": 160},
            (10, 10),
            False,
        ),
        ({"timm_model_name": "fastvit_t8", "timm_pool": "avg", "timm_proj": ""}, (1, 1), True),
        ({"timm_model_name": "test_convnext", "timm_proj": "linear"}, None, False),
    ],
)
def test_patches_by_architecture(
    tmp_path: Path, vision: dict[str, Any], grid: tuple[int, int] | None, mean: bool
) -> None:
    config = OPEN_CLIP_VIT | {"vision_cfg": OPEN_CLIP_VIT["vision_cfg"] | vision}
    tiny_models.write_open_clip(tmp_path, config)
    tower, (network, _, _) = load(tmp_path), reference(tmp_path)
    (pixels,) = image_batch(tower, pictures(3))
    embeddings, patches = tower.encode_images(pixels)
    assert torch.equal(embeddings, network.encode_image(pixels))
    assert tower.grid == grid
    if grid is None:
        assert patches is None
    else:
        assert patches is not None and patches.shape == (3, grid[0] * grid[1], 24)
    if mean:
        assert patches is not None
        torch.testing.assert_close(patches.mean(1), embeddings, rtol=1e-4, atol=1e-5)
    if "timm_model_name" in vision:
        assert "timm" in tower.libraries


@torch.inference_mode()
def test_a_timm_class_token_goes_where_its_patches_go(tmp_path: Path) -> None:
    vision = {"timm_model_name": "test_vit", "timm_pool": "token", "image_size": 160}
    tiny_models.write_open_clip(tmp_path, OPEN_CLIP_VIT | {"vision_cfg": vision})
    tower, (network, _, _) = load(tmp_path), reference(tmp_path)
    (pixels,) = image_batch(tower, pictures(2))
    _, patches = tower.encode_images(pixels)
    states = network.visual.trunk.forward_features(pixels)
    # A picture whose class token is one of its patches.
    moved = network.visual.head(network.visual.trunk.forward_head(states[:, 42:]))
    assert patches is not None
    torch.testing.assert_close(patches[:, 41], moved)


def test_a_coca_has_no_token_features(tmp_path: Path) -> None:
    config = OPEN_CLIP_VIT | {
        "custom_text": True,
        "text_cfg": OPEN_CLIP_VIT["text_cfg"] | {"context_length": 76, "embed_cls": True},
        "vision_cfg": OPEN_CLIP_VIT["vision_cfg"]
        | {"attentional_pool": True, "attn_pooler_heads": 2, "attn_pooler_queries": 4},
    }
    tiny_models.write_open_clip(tmp_path, config)
    tower, (network, _, _) = load(tmp_path), reference(tmp_path)
    with torch.inference_mode():
        ids, mask = text_batch(tower, TEXTS)
        text, tokens = tower.encode_texts(ids, mask)
        image, patches = tower.encode_images(*image_batch(tower, pictures()))
        assert tokens is None and patches is None and tower.grid is None
        assert torch.equal(text, network.encode_text(ids)) and len(image) == 6
    with pytest.raises(BackboneUnavailable, match=r"in torch.bfloat16 .*: use float32"):
        load(tmp_path, torch.bfloat16)


def test_a_weights_file_of_an_architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "tiny-ViT.json"
    config.write_text(json.dumps(OPEN_CLIP_VIT))
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIGS", {})
    monkeypatch.setattr(open_clip.factory, "_MODEL_CONFIG_PATHS", [config])
    open_clip.add_model_config(config)
    state = load_file(tiny_models.write_open_clip(tmp_path / "x", OPEN_CLIP_VIT) / WEIGHTS)
    save_file(state, tmp_path / "w.safetensors")
    torch.save(state, tmp_path / "w.pt")
    towers = [
        load_open_clip_tower(f"tiny-ViT/{tmp_path}/w{suffix}", "", CPU, torch.float32)
        for suffix in (".safetensors", ".pt")
    ]
    ids, mask = text_batch(towers[0], PHRASES)
    first, second = (tower.encode_texts(ids, mask)[0] for tower in towers)
    assert torch.equal(first, second)
    assert "did you mean 'tiny-ViT'" in refusal(f"tiny-Vit/{tmp_path}/w.pt")

    torch.save({"weights": pytest.raises}, tmp_path / "code.pt")
    assert "Weights only load failed" in refusal(f"tiny-ViT/{tmp_path}/code.pt")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "w.safetensors").read_bytes()[:1000])
    assert "SafetensorError" in refusal(f"tiny-ViT/{tmp_path}/cut.safetensors")
    del state["visual.proj"]
    torch.save(state, tmp_path / "part.pt")
    message = refusal(f"tiny-ViT/{tmp_path}/part.pt")
    assert "visual.proj" in message and "hub" not in message


def refusal(model: str, revision: str = "") -> str:
    with pytest.raises(BackboneUnavailable) as caught:
        load_open_clip_tower(model, revision, CPU, torch.float32)
    return str(caught.value)


@pytest.mark.parametrize(
    ("model", "revision", "says"),
    [
        ("ViT-B32/openai", "", "no architecture 'ViT-B32' (did you mean 'ViT-B-32'?)"),
        ("vit-b-32/openai", "", "did you mean 'ViT-B-32'?"),
        ("ViT-B/32", "", "did you mean 'ViT-B-32'?"),
        ("photolite", "", "did you mean 'photo-lite'?"),
        ("hfhub:timm/ViT-B-16-SigLIP", "", "expected photo-lite, transformers:ORG/NAME, ARCH"),
        ("ViT-B-32/openia", "", "no weights 'openia' (did you mean 'openai'?)"),
        ("ViT-B-32", "", "one of: openai, "),
        ("ViT-B-32/missing.pt", "", "there is no file missing.pt"),
        ("hf-hub:timm", "", "expected hf-hub:ORG/NAME"),
        ("hf-hub:timm/", "", "expected hf-hub:ORG/NAME"),
        ("local-dir:nowhere", "", "no open_clip_config.json in that folder"),
        ("ViT-B-32/openai", "abc", "only hf-hub: models have revisions"),
        ("local-dir:nowhere", "abc", "only hf-hub: models have revisions"),
    ],
)
def test_a_wrong_name_is_refused_before_any_download(
    model: str, revision: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unexpected(*arguments: object, **options: object) -> None:
        raise AssertionError(f"downloads {arguments}")

    monkeypatch.setattr(open_clip.pretrained, "hf_hub_download", unexpected)
    monkeypatch.setattr(open_clip.pretrained, "download_pretrained_from_url", unexpected)
    assert says in refusal(model, revision)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("model", "revision"),
    [
        ("ViT-B-32/openai", ""),
        ("hf-hub:timm/ViT-B-16-SigLIP", ""),
        ("hf-hub:timm/ViT-B-16-SigLIP", "abc"),
    ],
)
def test_an_unreachable_hub_is_told(model: str, revision: str) -> None:
    message = refusal(model, revision)
    assert message.startswith(f"{model} at revision {revision}: " if revision else f"{model}: ")
    assert "local-dir:PATH and transformers:PATH need no model hub" in message


def test_folders_without_a_model_are_told(tmp_path: Path) -> None:
    (tmp_path / "open_clip_config.json").write_text('{"model_cfg": {}}')
    assert "no weights in that folder" in refusal(f"local-dir:{tmp_path}")
    tiny_models.write_open_clip(tmp_path, OPEN_CLIP_VIT)
    (tmp_path / "open_clip_config.json").write_text("{")
    assert "JSONDecodeError" in refusal(f"local-dir:{tmp_path}")


@pytest.mark.usefixtures("offline")
def test_a_revision_of_a_hub_model_is_that_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    commits = {"1" * 40: 0, "2" * 40: 1}
    repository = tmp_path / "models--us--tiny"
    for commit, seed in commits.items():
        tiny_models.write_open_clip(repository / "snapshots" / commit, OPEN_CLIP_VIT, seed=seed)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("1" * 40)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    found = {}
    for revision in ("", *commits):
        tower = load_open_clip_tower("hf-hub:us/tiny", revision, CPU, torch.float32)
        found[revision] = tower.encode_texts(*text_batch(tower, PHRASES))[0]
    assert torch.equal(found[""], found["1" * 40])
    assert not torch.equal(found["1" * 40], found["2" * 40])
    assert "3333" in refusal("hf-hub:us/tiny", "3" * 40)


def test_tags_trained_with_quick_gelu_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def create(*arguments: object, **options: object) -> None:
        seen.update(options)
        raise RuntimeError("far enough")

    monkeypatch.setattr(open_clip, "create_model_from_pretrained", create)
    for model, quick in [
        ("ViT-B-32/openai", True),
        ("ViT-B-32-quickgelu/openai", True),
        ("ViT-B-32/laion2b_s34b_b79k", False),
    ]:
        assert "far enough" in refusal(model)
        assert seen["force_quick_gelu"] is quick
