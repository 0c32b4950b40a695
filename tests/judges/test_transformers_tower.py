"""transformers models as towers: transformers' own numbers, its tokens, features, errors."""

import json
import shutil
import sys
from functools import cache
from io import BytesIO
from logging import INFO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from PIL import Image as PIL
from safetensors.torch import load_file, save_file
from tests.judges import tiny_models
from tests.judges.tiny_models import PHRASES, image_batch, pictures, text_batch
from torch.nn.functional import normalize, pad

from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.backbones.transformers_tower import load_transformers_tower

pytestmark = pytest.mark.usefixtures("one_thread")
CPU = torch.device("cpu")
OPAQUE = ["1", "L", "P", "RGB", "CMYK", "YCbCr"]
TEXTS = [*PHRASES, "", "Naïve CAFÉ — 50% off!! 日本語 🚀 don't &amp; won't", "word " * 200]


@cache  # most tests read the same folders
def load(folder: Path | str, dtype: torch.dtype = torch.float32, revision: str = "") -> Tower:
    return load_transformers_tower(str(folder), revision, CPU, dtype)


@cache
def network_of(folder: Path, dtype: torch.dtype = torch.float32) -> Any:
    return transformers.AutoModel.from_pretrained(folder, dtype=dtype).eval()


def processor_of(folder: Path, backend: str = "pil") -> Any:
    return transformers.AutoImageProcessor.from_pretrained(folder, backend=backend)


@pytest.fixture(params=["clip_folder", "siglip_folder", "siglip2_folder"])
def folder(request: pytest.FixtureRequest) -> Path:
    path: Path = request.getfixturevalue(request.param)
    return path


def test_pixels_are_the_pil_backends_to_the_bit(folder: Path) -> None:
    tower, processor = load(folder), processor_of(folder)
    drawn = [*pictures(), *(pictures()[0].convert(mode) for mode in OPAQUE)]
    for picture in drawn:
        expected = processor(images=picture.convert("RGB"), return_tensors="pt")
        for name, found in zip(processor.model_input_names, tower.preprocess(picture), strict=True):
            assert torch.equal(found, expected[name][0]), (picture, name)
        if processor.do_convert_rgb:
            found = processor(images=picture, return_tensors="pt")["pixel_values"][0]
            assert torch.equal(found, tower.preprocess(picture)[0]), picture


def test_the_default_image_backend_would_differ(folder: Path) -> None:
    tower, processor = load(folder), processor_of(folder, "torchvision")
    picture = pictures()[3]
    found = processor(images=picture, return_tensors="pt")["pixel_values"][0]
    assert not torch.allclose(found, tower.preprocess(picture)[0], atol=1e-3)


def test_colours_under_alpha_are_what_is_judged(folder: Path) -> None:
    tower = load(folder)
    clear, opaque = pictures()[0].convert("RGBA"), pictures()[0]
    clear.putalpha(0)
    assert torch.equal(tower.preprocess(clear)[0], tower.preprocess(opaque)[0])
    processor = processor_of(folder)
    if processor.do_convert_rgb:  # transformers 5 makes it white
        white = processor(images=clear, return_tensors="pt")["pixel_values"][0]
        assert not torch.allclose(white, tower.preprocess(opaque)[0], atol=0.1)


@torch.inference_mode()
def test_images_are_transformers_own(folder: Path) -> None:
    tower, network = load(folder), network_of(folder)
    batch = image_batch(tower, pictures())
    names = processor_of(folder).model_input_names
    embeddings, _ = tower.encode_images(*batch)
    assert embeddings.shape == (6, tower.dim)
    inputs = dict(zip(names, batch, strict=True))
    torch.testing.assert_close(network.get_image_features(**inputs).pooler_output, embeddings)
    if len(batch) == 3:  # one more patch, hidden: see SiglipTower.encode_images
        inputs["pixel_values"] = pad(inputs["pixel_values"], (0, 0, 0, 1))
        inputs["pixel_attention_mask"] = pad(inputs["pixel_attention_mask"], (0, 1))
    assert torch.equal(network.get_image_features(**inputs).pooler_output, embeddings)


@torch.inference_mode()
def test_texts_are_transformers_own(folder: Path) -> None:
    tower, network = load(folder), network_of(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    expected = tokenizer(
        TEXTS, padding="max_length", truncation=True, max_length=tower.context_length
    )
    ids, mask = text_batch(tower, TEXTS)
    assert ids.tolist() == expected["input_ids"]
    assert mask.long().tolist() == expected["attention_mask"]
    embeddings, _ = tower.encode_texts(ids, mask)
    assert torch.equal(network.get_text_features(input_ids=ids).pooler_output, embeddings)
    if tower.grid is not None:  # CLIP: the mask hides what no embedding attends to
        masked = network.get_text_features(input_ids=ids, attention_mask=mask.long())
        torch.testing.assert_close(masked.pooler_output, embeddings)


@torch.inference_mode()
def test_clip_texts_do_not_depend_on_their_padding(clip_folder: Path) -> None:
    tower = load(clip_folder)
    assert tower.text_lengths == (16, 32, 48, 64, 77)
    text = "two dogs playing in the snow"
    whole = normalize(tower.encode_texts(*text_batch(tower, [text]))[0])
    for length in tower.text_lengths:
        found = normalize(tower.encode_texts(*text_batch(tower, [text], length))[0])
        torch.testing.assert_close(found, whole, rtol=0, atol=1e-6)


@torch.inference_mode()
def test_every_patch_goes_where_the_class_token_goes(clip_folder: Path) -> None:
    tower, network = load(clip_folder), network_of(clip_folder)
    (pixels,) = image_batch(tower, pictures())
    embeddings, patches = tower.encode_images(pixels)
    states = network.vision_model(pixels).last_hidden_state
    projected = network.visual_projection(network.vision_model.post_layernorm(states))
    assert tower.grid == (4, 4)
    assert patches is not None and patches.shape == (6, 16, tower.dim)
    torch.testing.assert_close(projected[:, 0], embeddings)
    torch.testing.assert_close(projected[:, 1:], patches)


@torch.inference_mode()
def test_every_token_goes_where_the_pooled_one_goes(folder: Path) -> None:
    tower = load(folder)
    ids, mask = text_batch(tower, PHRASES)
    embeddings, tokens = tower.encode_texts(ids, mask)
    assert tokens is not None and tokens.shape == (*ids.shape, tower.dim)
    end = mask.sum(1) - 1 if tower.grid else torch.full((len(ids),), -1)
    torch.testing.assert_close(tokens[torch.arange(len(ids)), end], embeddings)


@torch.inference_mode()
def test_an_attention_pool_has_no_patches(siglip_folder: Path, siglip2_folder: Path) -> None:
    for folder in (siglip_folder, siglip2_folder):
        tower = load(folder)
        assert tower.grid is None
        assert tower.encode_images(*image_batch(tower, pictures()))[1] is None


def test_pictures_of_free_shape_have_payloads_of_one_shape(siglip2_folder: Path) -> None:
    tower = load(siglip2_folder)
    pixels, mask, shapes = image_batch(tower, pictures())
    assert pixels.shape == (6, 16, 3 * 8 * 8) and tower.image_cost == 16 * 8 * 8
    assert torch.equal(mask.sum(1), shapes.prod(1))
    assert len(shapes.unique(dim=0)) > 2


def test_what_a_tower_says_of_itself(clip_folder: Path, siglip_folder: Path) -> None:
    clip, siglip = load(clip_folder), load(siglip_folder)
    assert clip.logit_scale == pytest.approx(1 / 0.07, rel=1e-3) and clip.logit_bias is None
    assert (siglip.logit_bias, siglip.text_lengths, siglip.pad_id) == (-10.0, (64,), 0)
    assert (clip.image_cost, clip.dim, clip.context_length) == (32 * 32, 24, 77)
    assert str(clip_folder) not in clip.preprocessing and "\n" not in clip.preprocessing
    assert load(clip_folder).preprocessing == clip.preprocessing


@torch.inference_mode()
def test_low_precision_is_transformers_own(folder: Path) -> None:
    tower, network = load(folder, torch.bfloat16), network_of(folder, torch.bfloat16)
    ids, mask = text_batch(tower, TEXTS)
    embeddings, tokens = tower.encode_texts(ids, mask)
    assert tokens is not None and tokens.dtype == embeddings.dtype == torch.bfloat16
    assert torch.equal(network.get_text_features(input_ids=ids).pooler_output, embeddings)
    image, _ = tower.encode_images(*image_batch(tower, pictures()))
    assert image.dtype == torch.bfloat16 and image.isfinite().all()
    assert tower.logit_scale == load(folder).logit_scale  # read before it is rounded


@pytest.mark.parametrize(
    ("fixture", "text", "control"),
    [
        ("clip_folder", "a <|endoftext|> cat <|startoftext|>", {49406, 49407}),
        ("siglip_folder", "a <eos> cat </s><bos> <pad>", {0, 1, 2}),
        ("siglip2_folder", "a <eos> cat </s><bos> <pad>", {0, 1, 2}),
    ],
)
def test_control_tokens_are_plain_text(
    fixture: str, text: str, control: set[int], request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(fixture)
    tower, tokenizer = load(folder), transformers.AutoTokenizer.from_pretrained(folder)
    inner = slice(1 if fixture == "clip_folder" else 0, -1)
    assert control & set(tokenizer(text).input_ids[inner])  # transformers lets them through
    ids = tower.tokenize(text)
    assert ids[-1] in control and not control & set(ids[inner])
    assert ids == tokenizer(text, split_special_tokens=True).input_ids
    assert tokenizer(text).input_ids != ids  # and its own is as it was


def test_a_sentencepiece_tokenizer_is_used_as_transformers_does(
    siglip_folder: Path, tmp_path: Path
) -> None:
    sentencepiece = pytest.importorskip("sentencepiece", reason="google/siglip-* need it")
    folder = shutil.copytree(siglip_folder, tmp_path / "siglip")
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (folder / file).unlink()
    model = BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(PHRASES * 4),
        model_writer=model,
        vocab_size=120,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    tokenizer = transformers.SiglipTokenizer(str(folder / "spiece.model"))
    tokenizer.save_pretrained(folder)
    tower = load(folder)
    assert tower.pad_id == 1 and "sentencepiece" in tower.libraries
    for text in ("Two dogs, playing!", "", "word " * 200):
        ids = tower.tokenize(text)
        expected = tokenizer(text, truncation=True, max_length=64).input_ids
        assert tower.truncate(ids) == expected
    ids = tower.tokenize("a cat</s> dog")
    assert ids.count(1) == 1 and ids[-1] == 1


def refusal(folder: Path | str, revision: str = "") -> str:
    with pytest.raises(BackboneUnavailable) as caught:
        load(folder, revision=revision)
    return str(caught.value)


@pytest.fixture
def copied(clip_folder: Path, tmp_path: Path) -> Path:
    return shutil.copytree(clip_folder, tmp_path / "clip")


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_missing_and_left_over_weights_are_refused(copied: Path) -> None:
    file = copied / "model.safetensors"
    state = load_file(file)
    rest = {name: state[name] for name in state if not name.startswith("vision_model.encoder")}
    save_file(rest, file, {"format": "pt"})
    message = refusal(copied)
    assert f"{len(state) - len(rest)} missing weights for CLIPModel" in message
    assert message.count("vision_model.encoder") == 10
    save_file(state | {"head.weight": state["visual_projection.weight"] + 1}, file)
    assert "1 unexpected weights for CLIPModel, such as head.weight" in refusal(copied)


def test_other_architectures_are_named(copied: Path) -> None:
    edit(copied / "config.json", architectures=["CLIPForImageClassification"])
    message = refusal(copied)
    assert "is CLIPForImageClassification; supported are CLIPModel, SiglipModel" in message
    edit(copied / "config.json", architectures=["BertModel"], model_type="bert")
    assert "is BertModel; supported are" in refusal(copied)
    edit(copied / "config.json", architectures=None, model_type="surprise")
    assert "is surprise; supported are" in refusal(copied)


def test_faulty_folders_are_told(copied: Path, tmp_path: Path) -> None:
    edit(copied / "preprocessor_config.json", crop_size={"height": 64, "width": 64})
    assert "makes pictures of [3, 64, 64] where the model takes [3, 32, 32]" in refusal(copied)
    edit(copied / "preprocessor_config.json", crop_size={"height": 32, "width": 32})
    edit(copied / "tokenizer_config.json", padding_side="left")
    assert 'set "padding_side": "right"' in refusal(copied)
    state = load_file(copied / "model.safetensors")
    (copied / "model.safetensors").unlink()
    torch.save(state, copied / "pytorch_model.bin")
    assert "safetensors" in refusal(copied)
    assert "no config.json in that folder" in refusal(tmp_path)
    assert "nowhere" in refusal(tmp_path / "nowhere")
    assert "a folder has no revisions" in refusal(copied, "main")


def test_patches_of_another_size_are_told(siglip2_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(siglip2_folder, tmp_path / "siglip2")
    edit(folder / "preprocessor_config.json", patch_size=4)
    assert "patches of 48 numbers where the model takes 8 x 8 x 3" in refusal(folder)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("revision", ["", "abc"])
def test_an_unreachable_hub_is_told(revision: str) -> None:
    message = refusal("openai/clip-vit-base-patch32", revision)
    assert "openai/clip-vit-base-patch32" in message and revision in message
    assert "local-dir:PATH and photo-lite need no model hub" in message


@pytest.mark.usefixtures("offline")
def test_a_revision_of_a_hub_model_is_that_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    repository = tmp_path / "models--us--tiny"
    commits = ["1" * 40, "2" * 40]
    for seed, commit in enumerate(commits):
        tiny_models.write_siglip(repository / "snapshots" / commit, seed=seed)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commits[0])
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    found = []
    for revision in ("", *commits):
        tower = load("us/tiny", revision=revision)
        found.append(tower.encode_texts(*text_batch(tower, PHRASES))[0])
    assert torch.equal(found[0], found[1]) and not torch.equal(found[1], found[2])


def test_loading_is_silent_and_leaves_logging_as_it_was(
    clip_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    logging.enable_progress_bar()
    logging.set_verbosity_info()
    try:
        load(clip_folder)
        assert logging.is_progress_bar_enabled() and logging.get_verbosity() == INFO
    finally:
        logging.set_verbosity_warning()
        logging.disable_progress_bar()
    sys.stderr.flush()
    assert capfd.readouterr() == ("", "")


def golden_picture(goldens: Path, name: str) -> PIL.Image:
    return open_image(EncodedImage((goldens / "images" / name).read_bytes())).picture


@pytest.fixture(scope="module")
def pickscore(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Tower:
    folder = tmp_path_factory.mktemp("pickscore")
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        shutil.copyfile(goldens / "pickscore" / name, folder / name)
    return load(tiny_models.write_openai_tokenizer(folder))


@torch.inference_mode()
def test_pickscore_golden(goldens: Path, pickscore: Tower) -> None:
    expected = np.load(goldens / "pickscore/expected.npz")
    recorded = json.loads((goldens / "pickscore/expected.json").read_text())
    (pixels,) = image_batch(
        pickscore, [golden_picture(goldens, name) for name in recorded["columns"]]
    )
    stored = np.load(goldens / "pickscore/inputs.npz")
    np.testing.assert_allclose(pixels, stored["pixel_values"], rtol=0, atol=2e-6)
    images = normalize(pickscore.encode_images(pixels)[0])
    texts = normalize(pickscore.encode_texts(*text_batch(pickscore, recorded["rows"]))[0])
    np.testing.assert_allclose(images, expected["image_embeds_normalised"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(texts, expected["text_embeds_normalised"], rtol=0, atol=1e-5)
    assert pickscore.logit_scale is not None
    scores = pickscore.logit_scale * texts @ images.T
    np.testing.assert_allclose(scores, expected["scores"], rtol=0, atol=3e-4)


def test_clip_token_goldens(goldens: Path, pickscore: Tower) -> None:
    recorded = json.loads((goldens / "pickscore/tokenizer_cases.json").read_text())["cases"]
    for case in recorded:
        ids = pickscore.truncate(pickscore.tokenize(case["text"]))
        assert ids == case["input_ids"], case["text"]


def test_preprocessing_goldens(goldens: Path, tmp_path: Path) -> None:
    tower = load(tiny_models.write_clip(tmp_path, side=224))
    stored = np.load(goldens / "preprocess/uint8_after_resize_crop.npz")
    recorded = json.loads((goldens / "preprocess/expected.json").read_text())["images"]
    mean = np.array([0.48145466, 0.4578275, 0.40821073], np.float32).reshape(3, 1, 1)
    std = np.array([0.26862954, 0.26130258, 0.27577711], np.float32).reshape(3, 1, 1)
    assert len(recorded) == 14
    for name, pipelines in recorded.items():
        rule = pipelines["hf_clip_pil_224"].get("same_uint8_as", "hf_clip_pil_224")
        expected = (stored[f"{rule}__{name}"].astype(np.float32) / 255 - mean) / std
        found = tower.preprocess(golden_picture(goldens, name))[0].numpy()
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6, err_msg=name)
