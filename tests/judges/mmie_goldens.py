"""The recorded MMIE goldens as this package's own objects."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PIL
from safetensors.torch import load_file
from torch import Tensor

from mmjudge.contract.images import EncodedImage
from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.judges.backbones.generator import Question
from mmjudge.judges.backbones.internvl2_replies import Prompt
from mmjudge.judges.backbones.internvl2_tiles import choose_grid, cut_tiles

CASES = ("text0", "img1", "img3", "long", "cross")


def read(goldens: Path, file: str) -> Any:
    """A JSON file among the goldens."""
    return json.loads((goldens / file).read_text(encoding="utf-8"))


def model_case(goldens: Path, name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What was recorded of one prompt: its description and its tensors."""
    cases = read(goldens, "model/model_goldens.json")["cases"]
    (case,) = [case for case in cases if case["case"] == name]
    return case, load_file(goldens / f"model/{name}.safetensors")


def recorded_prompt(goldens: Path, name: str) -> Prompt:
    """The recorded ids, and the tiles of the recorded images."""
    case, tensors = model_case(goldens, name)
    tiles = []
    for image in case["images"]:
        with PIL.open(goldens / image) as picture:
            tiles.append(cut_tiles(picture.convert("RGB"), choose_grid(*picture.size)))
    return Prompt(tensors["input_ids"].tolist(), np.concatenate(tiles) if tiles else None)


def item(goldens: Path, record: Mapping[str, Any], category: str) -> Item:
    """A record in MMIE's format; its answer as far as upstream read it."""
    answer = record["answer"]
    parts = [answer] if isinstance(answer, str) else _parts(goldens, answer)
    reference = record["gt_answer"][0]["text"]
    return Item(
        prompt=_parts(goldens, record["question"]),
        candidates=[Candidate(parts)],
        references=[[reference]] if reference else [],
        attributes={"category": category},
        id=record["id"],
    )


def _parts(goldens: Path, pieces: Sequence[Mapping[str, Any]]) -> list[Part]:
    parts: list[Part] = []
    for piece in pieces:
        if piece["text"] is not None:
            parts.append(piece["text"])
        if piece["image"] is not None:
            parts.append(EncodedImage((goldens / piece["image"]).read_bytes()))
    return parts


def write_prompts(goldens: Path, folder: Path) -> Path:
    """The published texts in files laid out as the published ones."""
    recorded = read(goldens, "prompts/text/templates.json")
    lines = []
    for category, template in recorded["full_template_with_placeholders"].items():
        file = goldens / f"prompts/text/{category}_system_prompt.txt"
        system = file.read_bytes().decode()
        lines += [f"{category} = {system!r}", f"print({category} + {template[len(system) :]!r})"]
    message = recorded["conversation"]["system_message"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prompts.py").write_text("\n".join(lines), encoding="utf-8")
    (folder / "conversation.py").write_text(f"say(message={message!r})", encoding="utf-8")
    return folder


def written(question: Question) -> str:
    """The user's turn as upstream spells it, `<image>` for images."""
    parts = question.messages[1].parts
    return "".join(part if isinstance(part, str) else "<image>" for part in parts)
