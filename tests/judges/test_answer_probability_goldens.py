"""Probabilities of answers against those that VQAScore's own code recorded on tiny weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.judges.loaded_generators import ask, local, picture

from mmjudge.judges.backbones.chances_operation import Beginnings, NextToken
from mmjudge.judges.backbones.likelihood_operation import Answered, Forced, LikelihoodOperation
from mmjudge.judges.backbones.transformers_generator import (
    TransformersGenerator,
    load_transformers_generator,
)
from mmjudge.judges.operation import Budget

pytestmark = pytest.mark.usefixtures("one_thread")
TOLERANCE = 5e-6  # what the goldens' README suggests
TEMPLATE = (
    "{% for m in messages %}{% if m.role == 'system' %}{{ m.content[0].text }} {% else %}"
    "{{ m.role | upper }}: {% for p in m.content %}"
    "{{ '<image>\n' if p.type == 'image' else p.text }}{% endfor %}"
    "{{ '</s>' if m.role == 'assistant' else ' ' }}{% endif %}{% endfor %}"
    "{{ 'ASSISTANT:' if add_generation_prompt }}"
)


@pytest.fixture(scope="module")
def recorded(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_folder(goldens).joinpath("expected.json").read_text())
    return found


@pytest.fixture(scope="module")
def model(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> TransformersGenerator:
    """The tiny LLaVA of the goldens, with the template that its prompts were written by."""
    folder = Path(shutil.copytree(_folder(goldens), tmp_path_factory.mktemp("vqascore") / "llava"))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    layout = {
        "processor_class": "LlavaProcessor",
        "patch_size": 14,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
    }
    (folder / "processor_config.json").write_text(json.dumps(layout))
    return load_transformers_generator(local(folder))


@pytest.fixture(scope="module")
def processed(goldens: Path, recorded: dict[str, Any]) -> list[dict[str, torch.Tensor]]:
    """The recorded prompts and pictures, as the model takes them."""
    pictures = torch.from_numpy(np.load(_folder(goldens) / "inputs.npz")["pixel_values"])
    token, count = (recorded["ids"][name] for name in ("image_token", "image_tokens_per_image"))
    rows = []
    for case in recorded["cases"]:
        ids = []
        for number in case["prompt_ids_with_image_token_-200"]:
            ids += [token] * count if number == -200 else [number]
        assert len(ids) == case["prompt_length_after_image_expansion"]
        tensor = torch.tensor([ids])
        column = recorded["columns"].index(case["image"])
        mask = torch.ones_like(tensor)
        pixels = pictures[column : column + 1]
        rows.append({"input_ids": tensor, "attention_mask": mask, "pixel_values": pixels})
    return rows


def _folder(goldens: Path) -> Path:
    return goldens / "vqascore" / "llava_hf"


def _table(recorded: dict[str, Any], letter: str) -> list[float]:
    """A table of expected.json, in the order of the cases."""
    name = next(name for name in recorded if name.startswith(f"{letter}_"))
    return [score for row in recorded[name] for score in row]


def test_first_tokens_have_the_recorded_chances(
    model: TransformersGenerator,
    recorded: dict[str, Any],
    processed: list[dict[str, torch.Tensor]],
) -> None:
    firsts = [recorded["ids"]["yes"], recorded["ids"]["no"]]
    found = np.array(model.chances.forward([NextToken(row, firsts) for row in processed]))
    np.testing.assert_allclose(found[:, 0], _table(recorded, "B"), atol=TOLERANCE, rtol=0)
    expected = [case["p_no"] for case in recorded["cases"]]
    np.testing.assert_allclose(found[:, 1], expected, atol=TOLERANCE, rtol=0)


def test_the_geometric_mean_of_a_likelihood_is_the_recorded_score(
    model: TransformersGenerator,
    recorded: dict[str, Any],
    processed: list[dict[str, torch.Tensor]],
) -> None:
    payloads = []
    for row, case in zip(processed, recorded["cases"], strict=True):
        yes, end = case["answer_ids"]
        ids = torch.cat([row["input_ids"], torch.tensor([[yes]])], 1)
        longer = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        payloads.append(Forced(row | longer, [yes, end]))
    found = np.array(model.likelihood.forward(payloads))
    expected = [case["p_answer_tokens"] for case in recorded["cases"]]
    np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)
    scores = np.exp(np.log(found).mean(1))
    np.testing.assert_allclose(scores, _table(recorded, "A"), atol=TOLERANCE, rtol=0)


def test_prompts_and_answers_have_the_recorded_ids(
    model: TransformersGenerator,
    recorded: dict[str, Any],
    processed: list[dict[str, torch.Tensor]],
) -> None:
    rules = recorded["prompt_example_with_answer"].partition(" USER:")[0]
    for row, case in zip(processed, recorded["cases"], strict=True):
        words = recorded["question_template"].format(case["text"])
        question = ask(picture(0), words, rules=rules)
        begun = model.chances.prepare(Beginnings(question, ("Yes", "No"))).payload
        assert begun.inputs["input_ids"].tolist() == row["input_ids"].tolist()
        assert begun.firsts == [recorded["ids"]["yes"], recorded["ids"]["no"]]
        forced = model.likelihood.prepare(Answered(question, "Yes")).payload
        assert forced.targets == case["answer_ids"]
        assert forced.inputs["input_ids"].tolist() == [
            [*row["input_ids"][0].tolist(), recorded["ids"]["yes"]]
        ]


class _Recorded:
    """Logits of another model in place of a network's."""

    device = torch.device("cpu")

    def __init__(self, logits: torch.Tensor) -> None:
        self._logits = logits

    def logits(self, rows: Any, last: int) -> torch.Tensor:
        assert (len(rows), last) == self._logits.shape[:2]
        return self._logits


def test_the_geometric_mean_is_the_recorded_score_of_clip_flant5(goldens: Path) -> None:
    recorded = np.load(goldens / "vqascore" / "clip_flant5_upstream" / "expected.npz")
    network: Any = _Recorded(torch.from_numpy(recorded["logits"]))
    processor: Any = None
    likelihood = LikelihoodOperation(
        network, processor, end=1, name="", fingerprint="", budget=Budget(9, 9)
    )
    found = likelihood.forward([Forced({}, labels) for labels in recorded["labels"].tolist()])
    scores = np.exp(np.log(found).mean(1)).reshape(recorded["score"].shape)
    np.testing.assert_allclose(scores, recorded["score"], atol=TOLERANCE, rtol=0)
