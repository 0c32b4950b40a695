"""Judge `vlm` with the published question against VQAScore's own code on tiny weights."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PIL
from tests.judges.direct_host import DirectHost
from tests.judges.loaded_generators import local
from tests.judges.test_answer_probability_goldens import TEMPLATE

from mmjudge.contract.images import PixelImage
from mmjudge.contract.items import Ask, Candidate, Item
from mmjudge.judges.prompting.options import VlmOptions
from mmjudge.judges.vlm import VlmJudge

pytestmark = pytest.mark.usefixtures("one_thread")
TOLERANCE = 5e-6  # what the goldens' README suggests
PADDING = (122, 116, 104)  # the colour that LLaVA pads pictures to squares with


@pytest.fixture(scope="module")
def recorded(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((goldens / "vqascore/llava_hf/expected.json").read_text())
    return found


@pytest.mark.parametrize(("table", "normalisation"), [("A", "auto"), ("B", "first_token")])
async def test_the_values_are_the_recorded_scores(
    goldens: Path, tmp_path: Path, recorded: dict[str, Any], table: str, normalisation: Any
) -> None:
    template = tmp_path / "published.toml"
    rules = recorded["prompt_example_with_answer"].partition(" USER:")[0]
    question = "{candidate}" + recorded["question_template"].format("{prompt}")
    template.write_text(
        'images = "single"\nreadout = "yes_probability"\nanswers = ["Yes"]\nfence = false\n'
        f"system = {json.dumps(rules)}\ntext = {json.dumps(question)}\n"
    )
    options = VlmOptions(template=str(template), normalisation=normalisation)
    judge = VlmJudge("it", options, local(model(goldens, tmp_path)), DirectHost())
    assert judge.info.provenance["normalisation"] == (
        "answer_and_end" if table == "A" else "first_token"
    )
    pictures = [Candidate([squared(goldens / "images" / name)]) for name in recorded["columns"]]
    found = []
    for text in recorded["rows"]:
        verdict = await judge.judge(Item([text], pictures), Ask())
        assert verdict.judgement is not None, verdict
        found.append([score.value for score in verdict.judgement.scores])
    expected = next(value for name, value in recorded.items() if name.startswith(f"{table}_"))
    np.testing.assert_allclose(np.array(found, np.float64), expected, atol=TOLERANCE, rtol=0)


def model(goldens: Path, folder: Path) -> Path:
    """The tiny LLaVA of the goldens as a folder with processor and chat template."""
    path = Path(shutil.copytree(goldens / "vqascore/llava_hf", folder / "llava"))
    (path / "chat_template.jinja").write_text(TEMPLATE)
    layout = {
        "processor_class": "LlavaProcessor",
        "patch_size": 14,
        "vision_feature_select_strategy": "default",
        "num_additional_image_tokens": 1,
    }
    (path / "processor_config.json").write_text(json.dumps(layout))
    return path


def squared(file: Path) -> PixelImage:
    """A picture as LLaVA's own code hands it to the image processor."""
    picture = PIL.open(file).convert("RGB")
    side = max(picture.size)
    square = PIL.new("RGB", (side, side), PADDING)
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return PixelImage(np.asarray(square))
