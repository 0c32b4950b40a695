"""Vision-language models of transformers are loaded whole, or not at all."""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.judges.direct_host import DirectHost
from tests.judges.loaded_generators import (
    FAMILIES,
    ask,
    generator,
    local,
    picture,
    questions,
    replies,
)
from tests.judges.tiny_generators import write_idefics3, write_llava, write_qwen2_5_vl

from mmjudge.contract.errors import Error, ErrorCode, ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Question, Sampling
from mmjudge.judges.backbones.generator_config import GeneratorConfig, load_generator
from mmjudge.judges.backbones.reply_operation import Request
from mmjudge.judges.backbones.transformers_generator import (
    TransformersGenerator,
    load_transformers_generator,
)
from mmjudge.judges.backbones.transformers_generator_files import generator_files

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_llava(tmp_path / "llava")


def refusal(model: TransformersGenerator, question: Question, most: int = 4) -> Error:
    """The error that preparing ends with."""
    with pytest.raises(ItemError) as refused:
        model.reply.prepare(Request(question, Sampling(most)))
    return refused.value.error


@pytest.mark.parametrize("family", FAMILIES)
async def test_every_family_is_served(family: str) -> None:
    model = generator(family)
    assert model.family == family
    host = DirectHost()
    served = model.serve(host)
    reply = await served.reply(questions()[3], Sampling(4))
    assert reply.value == replies(model, [questions()[3]], [Sampling(4)])[0]
    chances = await served.chances(questions()[0], ("Yes", "A"))
    assert chances.value.shape == (2,) and 0 < chances.value.sum() < 1
    likelihood = await served.likelihood(questions()[1], "Yes")
    assert (likelihood.value > 0).all() and len(likelihood.value) > 1
    assert host.ran == {"reply": 1, "chances": 1, "likelihood": 1}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cost_is_the_prompts_tokens_and_the_longest_answers(family: str) -> None:
    model = generator(family)
    for question in questions():
        prepared = model.reply.prepare(Request(question, Sampling(17)))
        assert prepared.cost == prepared.payload.processed.inputs["input_ids"].shape[1] + 17


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_of_any_shape_and_mode_are_read(family: str) -> None:
    import io

    from PIL import Image as PIL

    file = io.BytesIO()
    PIL.new("LA", (9, 7), (80, 90)).save(file, "PNG")
    shapes = [(1, 1), (1, 200), (200, 1), (2, 3)]
    strange = [
        PixelImage(torch.full((*shape, 3), 7, dtype=torch.uint8).numpy()) for shape in shapes
    ]
    asked = [ask(EncodedImage(file.getvalue()), "?"), *(ask(image, "?") for image in strange)]
    assert len(replies(generator(family), asked, [Sampling(2)] * len(asked))) == len(asked)


def test_threads_prepare_side_by_side() -> None:
    for family in ("qwen2_5_vl", "idefics3"):
        model = generator(family)
        asked = [Request(one, Sampling(1)) for one in questions() * 8]
        with ThreadPoolExecutor(4) as threads:
            together = list(threads.map(model.reply.prepare, asked))
        for request, prepared in zip(asked, together, strict=True):
            expected = model.reply.prepare(request).payload.processed.inputs
            found = prepared.payload.processed.inputs
            assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


def test_a_bad_image_is_named(folder: Path) -> None:
    model = load_transformers_generator(local(folder, max_images=2))
    broken = ask("a", picture(0), "b", EncodedImage(b"no image"))
    assert refusal(model, broken).reason == "IMAGE_UNDECODABLE"
    assert refusal(model, broken).field == "images[1]"
    many = refusal(model, ask(*[picture(0)] * 3, "?"))
    assert (many.code, many.reason) == (ErrorCode.INVALID_ARGUMENT, "TOO_MANY_IMAGES")
    assert "3 images, at most 2" in many.message


def test_prompt_and_answer_have_to_fit_into_the_context(folder: Path) -> None:
    model = load_transformers_generator(local(folder, context_length=40))
    length = model.reply.prepare(Request(ask(picture(0), "?"), Sampling(1))).cost - 1
    assert model.reply.prepare(Request(ask(picture(0), "?"), Sampling(40 - length))).cost == 40
    assert refusal(model, ask(picture(0), "?"), 41 - length).reason == "CONTEXT_EXCEEDED"
    whole = generator("llava").reply
    assert whole.prepare(Request(ask("?"), Sampling(1000))).cost <= 1024
    assert refusal(generator("llava"), ask("?"), 1024).reason == "CONTEXT_EXCEEDED"


def test_a_checkpoints_own_rules_of_generation_count_for_nothing_but_its_ends(folder: Path) -> None:
    plain = replies(generator("llava"), questions(), [Sampling(6)] * 4)
    file = folder / "generation_config.json"
    rules = {"do_sample": True, "temperature": 5.0, "top_k": 1, "repetition_penalty": 9.0}
    more = {"min_new_tokens": 3, "max_new_tokens": 2, "num_beams": 3, "eos_token_id": [2, 300]}
    file.write_text(json.dumps(rules | more))
    model = load_transformers_generator(local(folder))
    assert model.reply._network.ends == (2, 300)
    model.reply._network.ends = (2,)
    assert replies(model, questions(), [Sampling(6)] * 4) == plain


def test_provenance_is_that_of_the_content(folder: Path, tmp_path: Path) -> None:
    model = load_transformers_generator(local(folder))
    copied = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert load_transformers_generator(local(copied)).provenance == model.provenance
    assert model.told == {"model": str(folder)}
    changes: dict[str, Callable[[], object]] = {
        "template": lambda: (copied / "chat_template.jinja").write_text(
            (copied / "chat_template.jinja").read_text().replace("ASSISTANT:", "ASSISTANT :")
        ),
        "processor": lambda: _edit(
            copied / "processor_config.json", "image_processor", "resample", 2
        ),
        "generation": lambda: _edit(copied / "generation_config.json", "", "eos_token_id"),
    }
    before = model.provenance
    for part, change in changes.items():
        change()
        after = load_transformers_generator(local(copied)).provenance
        assert {name for name in after if after[name] != before[name]} == {part}
        before = after
    half = load_transformers_generator(local(folder, dtype="bfloat16")).provenance
    assert {name for name in half if half[name] != model.provenance[name]} >= {"dtype", "weights"}


def test_bfloat16_runs(tmp_path: Path) -> None:
    for write in (write_qwen2_5_vl, write_idefics3):
        model = load_transformers_generator(
            local(write(tmp_path / write.__name__), dtype="bfloat16")
        )
        assert len(replies(model, questions(), [Sampling(3)] * 4)) == 4


@pytest.mark.parametrize(("fault", "told"), [("missing", "1 missing"), ("left", "1 unexpected"),
                                             ("shape", "1 mismatched")])  # fmt: skip
def test_weights_that_do_not_fit_are_unavailable(folder: Path, fault: str, told: str) -> None:
    state = load_file(folder / "model.safetensors")
    name = next(name for name in state if name.endswith("q_proj.weight"))
    if fault == "left":
        state["odd.weight"] = torch.ones(2)
    elif fault == "missing":
        del state[name]
    else:
        state[name] = state[name][:3].clone()
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(BackboneUnavailable, match=told):
        load_transformers_generator(local(folder))


def test_what_is_missing_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    with pytest.raises(BackboneUnavailable, match="no chat template"):
        load_transformers_generator(local(folder))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(BackboneUnavailable, match=r"no model\.safetensors"):
        load_transformers_generator(local(folder))
    with pytest.raises(BackboneUnavailable, match="no config.json"):
        load_transformers_generator(local(tmp_path))
    with pytest.raises(BackboneUnavailable, match="context_length 4096: expected 0 to 1024"):
        load_transformers_generator(local(write_llava(folder), context_length=4096))
    _edit(folder / "config.json", "", "model_type", "bert")
    with pytest.raises(BackboneUnavailable, match="AutoModelForImageTextToText"):
        load_transformers_generator(local(folder))


def test_answers_have_to_be_single_tokens_that_differ() -> None:
    model = generator("llava")
    model.check_single_tokens(("Yes", "No"))
    with pytest.raises(BackboneUnavailable, match="'espresso, and' is [0-9]+ tokens.*rating"):
        model.check_single_tokens(("Yes", "espresso, and"))
    with pytest.raises(BackboneUnavailable, match="'Yes', 'Yes or' begin with the same token"):
        model.check_single_tokens(("Yes", "Yes or"))


def test_the_files_to_pull_are_those_that_are_read(folder: Path) -> None:
    names = {file.path.name for file in generator_files(local(folder))}
    assert names == {path.name for path in folder.iterdir()}
    assert generator_files(GeneratorConfig(model="m", endpoint="http://127.0.0.1:1/v1")) == []


def test_shards_are_pulled_and_loaded(folder: Path) -> None:
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    places: dict[str, str] = {}
    for index, half in enumerate([list(state)[::2], list(state)[1::2]]):
        shard = f"model-{index + 1:05}-of-00002.safetensors"
        save_file({name: state[name] for name in half}, folder / shard, {"format": "pt"})
        places |= dict.fromkeys(half, shard)
    index_file = folder / "model.safetensors.index.json"
    index_file.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    names = {file.path.name for file in generator_files(local(folder))}
    assert {*places.values(), index_file.name} <= names
    model = load_generator(local(folder))
    assert model.provenance == generator("llava").provenance


def _edit(file: Path, inside: str, key: str, value: object = 3) -> None:
    settings = json.loads(file.read_text())
    (settings[inside] if inside else settings)[key] = value
    file.write_text(json.dumps(settings))
