"""BLIP of transformers: its own numbers, alone and in a batch, and what is refused."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.judges import tiny_blips
from tests.judges.blip_passes import cosines, encode, read
from tests.judges.tiny_models import PHRASES, pictures

from mmjudge.contract.errors import ItemError
from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.blip import Blip, BlipConfig, load_blip
from mmjudge.judges.backbones.blip_fusion import ImageText
from mmjudge.judges.backbones.blip_pictures import MEAN, STD, ProcessedPictures
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.features import Features
from mmjudge.judges.backbones.text_encoding import Text

pytestmark = pytest.mark.usefixtures("one_thread")
IMAGES = [PixelImage(np.asarray(picture)) for picture in pictures()]
TEXTS = [*PHRASES, "a cat", "snow " * 60]


@cache
def load(model: Path, **settings: Any) -> Blip:
    return load_blip(BlipConfig(str(model), device="cpu", **settings))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_blips.write_blip(tmp_path_factory.mktemp("blip"))


@pytest.fixture(scope="module")
def golden(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Blip:
    from transformers import BertTokenizer

    folder = tmp_path_factory.mktemp("blip-itm")
    for name in ("config.json", "model.safetensors", "preprocessor_config.json"):
        shutil.copyfile(goldens / "blip_itm" / name, folder / name)
    shutil.copyfile(goldens / "tokenizers/bert_base_uncased_vocab.txt", folder / "vocab.txt")
    BertTokenizer.from_pretrained(folder).save_pretrained(folder)
    return load(folder, context_length=64)


def golden_image(goldens: Path, name: str) -> EncodedImage:
    return EncodedImage((goldens / "images" / name).read_bytes())


def recorded(goldens: Path, name: str = "expected.json") -> Any:
    return json.loads((goldens / "blip_itm" / name).read_text())


def test_goldens_in_one_batch(goldens: Path, golden: Blip) -> None:
    told, expected = recorded(goldens), np.load(goldens / "blip_itm/expected.npz")
    images = [golden_image(goldens, name) for name in told["columns"]]
    logits = read(golden, told["rows"], images)
    for key in ("itm_logits", "itm_logits_fp64"):
        np.testing.assert_allclose(logits, expected[key], rtol=0, atol=1e-5)
    found = cosines(golden, told["rows"], images)
    for key in ("itc", "itc_fp64"):
        np.testing.assert_allclose(found, expected[key], rtol=0, atol=3e-6)


def test_goldens_one_at_a_time(goldens: Path, golden: Blip) -> None:
    told, expected = recorded(goldens), np.load(goldens / "blip_itm/expected.npz")
    images = [golden_image(goldens, name) for name in told["columns"]]
    alone = np.array([[read(golden, [t], [image])[0, 0] for image in images] for t in told["rows"]])
    np.testing.assert_allclose(alone, expected["itm_logits"], rtol=0, atol=1e-5)
    assert np.array_equal(alone, read(golden, told["rows"], images))
    turned = read(golden, told["rows"][::-1], images[::-1])
    assert np.array_equal(alone, turned[::-1, ::-1])


def test_golden_pixels_to_the_bit(goldens: Path, golden: Blip) -> None:
    stored = np.load(goldens / "blip_itm/inputs.npz")["pixel_values"]
    for name, expected in zip(recorded(goldens)["columns"], stored, strict=True):
        (found,) = golden.tower.preprocess(open_image(golden_image(goldens, name)).picture)
        assert np.array_equal(found.numpy(), expected), name


def test_golden_preprocessing(goldens: Path) -> None:
    from transformers import BlipImageProcessorPil

    pictures = ProcessedPictures(BlipImageProcessorPil())
    stored = np.load(goldens / "preprocess/uint8_after_resize_crop.npz")
    prefix = "hf_blip_pil_384_every4th__"
    keys = [key for key in stored.files if key.startswith(prefix)]
    assert len(keys) == 4
    mean, std = (np.array(numbers, np.float32).reshape(3, 1, 1) for numbers in (MEAN, STD))
    for key in keys:
        picture = open_image(golden_image(goldens, key.removeprefix(prefix))).picture
        found = pictures(picture).numpy()
        assert found.shape == (3, 384, 384)
        expected = (stored[key].astype(np.float32) / 255 - mean) / std
        np.testing.assert_allclose(found[:, ::4, ::4], expected, rtol=0, atol=2e-6, err_msg=key)


def test_golden_tokens(goldens: Path, golden: Blip) -> None:
    stored = np.load(goldens / "blip_itm/inputs.npz")
    for row, text in enumerate(recorded(goldens)["rows"]):
        found = golden.tower.truncate(golden.tower.tokenize(text))
        assert found == stored["input_ids"][row][stored["attention_mask"][row] == 1].tolist()
    cases = recorded(goldens, "tokenizer_cases.json")["cases"]
    assert len(cases) == 19
    for case in cases:
        found = golden.tower.truncate(golden.tower.tokenize(case["text"]))
        if "[CLS]" in case["text"]:  # plain text here, as in all judges
            assert not {0, 101, 102, 103} & set(found[1:-1])
        else:
            assert found == case["input_ids"], case["text"]


@torch.inference_mode()
def test_scores_are_transformers_own_whatever_the_padding(tiny: Path) -> None:
    from transformers import AutoTokenizer, BlipForImageTextRetrieval

    blip = load(tiny)
    network = BlipForImageTextRetrieval.from_pretrained(tiny).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(tiny)
    expected, expected_cosines = [], []
    for text in TEXTS:
        words = tokenizer(text, return_tensors="pt", truncation=True, max_length=40)
        for image in IMAGES:
            inputs = {
                "input_ids": words.input_ids,
                "attention_mask": words.attention_mask,
                "pixel_values": torch.stack(blip.images.prepare(image).payload.tensors),
            }
            expected.append(network(**inputs)[0][0].numpy())
            expected_cosines.append(network(**inputs, use_itm_head=False)[0].item())
    found = read(blip, TEXTS, IMAGES)
    np.testing.assert_allclose(found.reshape(-1, 2), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        cosines(blip, TEXTS, IMAGES).ravel(), expected_cosines, rtol=0, atol=1e-6
    )


def test_a_score_does_not_depend_on_its_company(tiny: Path) -> None:
    blip = load(tiny)
    found = read(blip, TEXTS, IMAGES)
    assert len(np.unique(found.reshape(-1, 2), axis=0)) == 42
    order, columns = np.random.default_rng(0).permutation(7), np.array([4, 0, 5, 2, 1, 3])
    again = read(blip, [TEXTS[i] for i in order], [IMAGES[i] for i in columns])
    assert np.array_equal(again, found[np.ix_(order, columns)])
    for row, column in ((0, 0), (3, 5), (6, 2)):
        alone = read(blip, [TEXTS[row]], [IMAGES[column]])
        assert np.array_equal(alone[0, 0], found[row, column])


def test_context_length_cuts_and_is_part_of_the_fingerprint(tiny: Path) -> None:
    whole, short = load(tiny), load(tiny, context_length=5)
    assert whole.tower.text_lengths == (32, 40) and short.tower.text_lengths == (5,)
    assert whole.texts.fingerprint != short.texts.fingerprint
    prepared = short.texts.prepare(Text(PHRASES[0], "truncate"))
    assert len(prepared.payload) == 5 and prepared.notes[0].code == "TEXT_TRUNCATED"
    assert read(whole, ["a cat"], IMAGES) == pytest.approx(read(short, ["a cat"], IMAGES), abs=1e-5)


def test_pairs_are_told_apart_by_both_sides(tiny: Path) -> None:
    blip = load(tiny)
    one, other = encode(blip, IMAGES[:2])
    keys = {
        blip.pairs.key(pair)
        for pair in (
            ImageText(IMAGES[0].digest, one, Text("a cat")),
            ImageText(IMAGES[1].digest, other, Text("a cat")),
            ImageText(IMAGES[0].digest, one, Text("a dog")),
            ImageText(IMAGES[0].digest, one, Text("a cat", "truncate")),
        )
    }
    assert len(keys) == 4
    again = ImageText(IMAGES[0].digest, other, Text("a cat"))
    assert blip.pairs.key(again) in keys  # the digest says which image it is


def test_a_text_of_a_pair_is_checked(tiny: Path) -> None:
    blip = load(tiny)
    (features,) = encode(blip, IMAGES[:1])
    for text, reason in ((" \n", "TEXT_EMPTY"), ("cat " * 60, "TEXT_TOO_LONG")):
        with pytest.raises(ItemError) as raised:
            blip.pairs.prepare(ImageText(IMAGES[0].digest, features, Text(text)))
        assert raised.value.error.reason == reason
    with pytest.raises(ValueError, match="encode it with keep_tokens"):
        blip.pairs.prepare(ImageText(IMAGES[0].digest, Features(features.embedding), Text("a cat")))


def changed(tiny: Path, folder: Path, **changes: Any) -> Path:
    """The tiny model with entries of its config.json replaced."""
    shutil.copytree(tiny, folder, dirs_exist_ok=True)
    settings = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps(settings))
    return folder


def test_a_pickle_of_weights_and_an_old_buffer_are_read(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path)
    (folder / "model.safetensors").unlink()
    state = load_file(tiny / "model.safetensors")
    positions = {"text_encoder.embeddings.position_ids": torch.arange(40).reshape(1, 40)}
    torch.save(state | positions, folder / "pytorch_model.bin")
    assert load(folder).provenance == load(tiny).provenance


def test_processor_is_where_pictures_and_tokens_are_read_from(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path)
    for name in ("preprocessor_config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    assert load(folder, processor=str(tiny)).provenance == load(tiny).provenance


def refusal(model: Path | str, **settings: Any) -> str:
    with pytest.raises(BackboneUnavailable) as raised:
        load_blip(BlipConfig(str(model), device="cpu", **settings))
    return str(raised.value)


def test_missing_unexpected_and_misshapen_weights_are_named(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path)
    state = load_file(tiny / "model.safetensors")
    del state["itm_head.bias"]
    state |= {"text_decoder.x": torch.ones(1), "vision_proj.bias": torch.ones(7)}
    save_file(state, folder / "model.safetensors")
    told = refusal(folder)
    assert "1 missing: itm_head.bias; 1 unexpected: text_decoder.x; " in told
    assert "1 misshapen: vision_proj.bias [7] instead of [6]; " in told
    assert "this looks like a BLIP image-text matching (transformers) checkpoint" in told


def test_weights_of_another_kind_are_told(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path)
    save_file(
        {"vision_model.encoder.x": torch.ones(1), "text_model.encoder.x": torch.ones(1)},
        folder / "model.safetensors",
    )
    assert "this looks like a CLIP (transformers: PickScore" in refusal(folder)


def test_another_architecture_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path, architectures=["BlipForConditionalGeneration"])
    told = refusal(folder)
    assert "is BlipForConditionalGeneration; expected a BlipForImageTextRetrieval" in told
    assert "such as Salesforce/blip-itm-base-coco" in told
    folder = changed(tiny, tmp_path, architectures=None, model_type="clip")
    assert "is clip; expected" in refusal(folder)
    folder = changed(tiny, tmp_path, model_type="blip", image_text_hidden_size="six")
    assert "no BLIP can be built of its configuration" in refusal(folder)


def test_files_that_do_not_go_together_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = changed(tiny, tmp_path)
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    settings["size"] = {"height": 48, "width": 48}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    told = refusal(folder)
    assert "makes pictures of [3, 48, 48] where the model takes [3, 32, 32]" in told
    shutil.copyfile(tiny / "preprocessor_config.json", folder / "preprocessor_config.json")
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(tiny_blips.SPECIALS) + "\n")
    assert "it belongs to another model" in refusal(folder)


def test_settings_out_of_range_are_refused(tiny: Path) -> None:
    assert "context_length 41: expected 0 to 40, the positions" in refusal(tiny, context_length=41)
    assert "context_length -1" in refusal(tiny, context_length=-1)
    assert f"expected sha256 {'2' * 64}" in refusal(tiny, sha256="2" * 64)
    assert "a folder has no revisions" in refusal(tiny, revision="main")


@pytest.mark.usefixtures("offline")
def test_what_is_not_there_is_told(tiny: Path, tmp_path: Path) -> None:
    assert "no config.json" in refusal(tmp_path)
    folder = changed(tiny, tmp_path)
    (folder / "model.safetensors").unlink()
    assert "no model.safetensors or pytorch_model.bin" in refusal(folder)
    assert "nobody/nothing at revision abc" in refusal("nobody/nothing", revision="abc")
    assert "nobody/nothing" in refusal(tiny, processor="nobody/nothing@abc")
