"""The tiny models of the goldens as folders and files that judges load, and how judges are asked.

Everything is read from the goldens while tests run; nothing of them is kept.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from tests.judges import tiny_models

from mmjudge.client import LocalClient
from mmjudge.contract.errors import Error
from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Candidate, Item, Want
from mmjudge.contract.verdicts import Verdict

PHOTOS = ("chelsea.png", "astronaut.png", "coffee.png")


def kind(name: str) -> str:
    """The class of a kind, whether or not its entry point is installed."""
    classes = {"pickscore": "PickScoreJudge", "hps": "HpsJudge", "clip": "ClipJudge",
               "aesthetic": "AestheticJudge", "ensemble": "EnsembleJudge"}  # fmt: skip
    return f"mmjudge.judges.{name}:{classes[name]}"


def picture(goldens: Path, name: str) -> EncodedImage:
    return EncodedImage((goldens / "images" / name).read_bytes())


def verdicts(
    client: LocalClient, judge: str, items: Sequence[Item], want: Want = Want.SCORE
) -> list[Verdict]:
    """What a judge says of items, in one request."""
    return list(client.judge(list(items), judges=judge, want=want, on_failure="nan"))


def values(client: LocalClient, judge: str, items: Sequence[Item]) -> list[list[float | None]]:
    """The values of each item's candidates; fails on a verdict that is no judgement."""
    found = []
    for verdict in verdicts(client, judge, items):
        assert verdict.judgement is not None, verdict.outcome
        found.append([score.value for score in verdict.judgement.scores])
    return found


def refusal(client: LocalClient, judge: str, item: Item) -> Error:
    """The error an item ends with."""
    (verdict,) = verdicts(client, judge, [item])
    assert isinstance(verdict.outcome, Error), verdict.outcome
    return verdict.outcome


def grid(goldens: Path, recorded: dict[str, Any]) -> list[Item]:
    """One item a prompt, its candidates the images: verdicts are `[prompt, image]`."""
    candidates = [Candidate([picture(goldens, name)]) for name in recorded["columns"]]
    return [Item([prompt], candidates) for prompt in recorded["rows"]]


def company(client: LocalClient, judge: str, items: Sequence[Item]) -> NDArray[np.float64]:
    """The values of one-candidate items in one request; fails if company or order changes a bit."""
    together = np.array(values(client, judge, items), np.float64)
    alone = [values(client, judge, [item])[0] for item in items]
    np.testing.assert_array_equal(together, alone)
    order = np.random.default_rng(0).permutation(len(items))
    again = values(client, judge, [items[index] for index in order])
    np.testing.assert_array_equal(together[order], again)
    return together


def single(items: Sequence[Item]) -> list[Item]:
    """Every candidate in an item of its own."""
    return [Item(item.prompt, [one], item.references) for item in items for one in item.candidates]


def write_clipscore(goldens: Path, folder: Path) -> Path:
    """The tiny checkpoint of OpenAI's CLIP as a `local-dir:`."""
    stored = torch.load(goldens / "clipscore/clip_tiny_vitb32_layout.pt", weights_only=True)
    for name in ("input_resolution", "context_length", "vocab_size"):
        del stored[name]
    vision = {"image_size": 224, "patch_size": 32, "width": 128, "head_width": 64, "layers": 2}
    text = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 2}
    config = {"embed_dim": 40, "quick_gelu": True, "vision_cfg": vision, "text_cfg": text}
    state = {name: tensor.float().contiguous() for name, tensor in stored.items()}
    save_file(state, folder / "open_clip_model.safetensors")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return folder


def write_pickscore(goldens: Path, folder: Path, *, processor: bool = True) -> Path:
    """The tiny PickScore as published (config and weights), with or without a processor's files."""
    shutil.copy(goldens / "pickscore/config.json", folder)
    shutil.copy(goldens / "pickscore/model.safetensors", folder)
    return write_processor(goldens, folder) if processor else folder


def write_processor(goldens: Path, folder: Path) -> Path:
    """Image processor and tokenizer alone."""
    shutil.copy(goldens / "pickscore/preprocessor_config.json", folder)
    return tiny_models.write_openai_tokenizer(folder)


def write_hps(goldens: Path, folder: Path) -> Path:
    """The tiny HPS checkpoint with its architecture beside it; returns the checkpoint's path."""
    config = json.loads((goldens / "hpsv2/open_clip_config.json").read_text())
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    return Path(shutil.copy(goldens / "hpsv2/HPS_tiny_compressed.pt", folder))


def write_aesthetic(goldens: Path, folder: Path, which: str) -> tuple[Path, Path]:
    """A predictor's tower as a CLIPModel with a random text side, and its head as a `.pth`."""
    from transformers import CLIPConfig, CLIPModel

    stored = load_file(goldens / f"aesthetic/predictor_tiny/{which}.safetensors")
    config = json.loads((goldens / "aesthetic/predictor_tiny/config.json").read_text())
    text = {"hidden_size": 12, "intermediate_size": 24, "num_hidden_layers": 1}
    ends = {"bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 49407}
    both = CLIPConfig(
        projection_dim=config["projection_dim"],
        vision_config=config,
        text_config=text | ends | {"num_attention_heads": 2},
    )
    network = CLIPModel(both)
    head = {key: one for key, one in stored.items() if key.startswith(("layers.", "predictor."))}
    tower = {key: one.float() for key, one in stored.items() if key not in head}
    del tower["vision_model.embeddings.position_ids"]
    left = network.load_state_dict(tower, strict=False)
    assert not left.unexpected_keys
    assert all(key.startswith(("text_", "logit_scale")) for key in left.missing_keys)
    network.save_pretrained(folder)
    shutil.copy(goldens / "pickscore/preprocessor_config.json", folder)
    tiny_models.write_openai_tokenizer(folder)
    file = folder / "head.pth"
    torch.save({key.removeprefix("predictor."): one for key, one in head.items()}, file)
    return folder, file
