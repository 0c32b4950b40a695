"""Judge `token_alignment`: its settings, what they change, and which are refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.judges.test_clip import ColourTower
from tests.judges.test_clip import DirectHost as ColourHost
from tests.judges.word_items import IMAGES, TEXT, item, make

from mmjudge.contract.images import PixelImage
from mmjudge.contract.info import Input
from mmjudge.contract.items import Ask, Want
from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig
from mmjudge.judges.token_alignment import TokenAlignmentJudge
from mmjudge.judges.token_alignment_options import TokenAlignmentOptions


@pytest.mark.parametrize("source", ["max", "mean", "softmax"])
def test_a_backbone_without_patches_is_refused(siglip_folder: Path, source: Any) -> None:
    model = f"transformers:{siglip_folder}"
    with pytest.raises(ValueError, match="no features by patch.*use source 'global'.*photo-lite"):
        make(TokenAlignmentOptions(source=source), model)


async def test_a_backbone_without_patches_compares_with_the_whole_image(
    siglip_folder: Path,
) -> None:
    options = TokenAlignmentOptions(source="global", embed="context")
    judge = make(options, f"transformers:{siglip_folder}")
    verdict = await judge.judge(item(IMAGES[0], TEXT), Ask(Want.TOKEN_REWARDS))
    assert verdict.judgement is not None
    values = verdict.judgement.scores[0].span_values
    assert values is not None and (values != 0).sum() == 4


async def test_a_backbone_without_token_features_is_refused_but_for_units_alone() -> None:
    host = ColourHost(ColourTower())
    config = DualEncoderConfig("colours")

    def colours(**options: Any) -> TokenAlignmentJudge:
        made = TokenAlignmentOptions(source="global", **options)
        return TokenAlignmentJudge("it", made, config, host)

    with pytest.raises(ValueError, match="colours has no features by token.*use embed 'alone'"):
        colours(embed="context")
    judge = colours(template="{unit}")
    red = PixelImage(np.full((4, 4, 3), [255, 0, 0], np.uint8))
    verdict = await judge.judge(item(red, "green red"), Ask(Want.TOKEN_REWARDS))
    assert verdict.judgement is not None
    values = verdict.judgement.scores[0].span_values
    assert values is not None and values.tolist() == pytest.approx([0, 1])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"source": "softmax", "tau": 0.0}, "tau: 0, expected a temperature above 0"),
        ({"template": "a photo"}, "expected {unit} in it once"),
        ({"transform": "hinge"}, "set the two means"),
        ({"transform": "zscore"}, "set mean and std"),
        ({"calibration": "x.json"}, "read by no transform 'raw'"),
        ({"calibration": "x.json", "transform": "sign"}, "mmjudge calibrate"),
        ({"calibration": "x.json", "transform": "sign", "margin": 0.1}, "margin: set beside"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError) as raised:
        make(TokenAlignmentOptions(**options))
    assert told in str(raised.value)


OPTIONS: list[dict[str, Any]] = [
    {},
    {"source": "mean"},
    {"source": "softmax"},
    {"source": "softmax", "tau": 0.1},
    {"embed": "context"},
    {"template": "{unit}"},
    {"unit": "phrase"},
    {"unit": "span"},
    {"stop_words": "none"},
    {"numbers": "score"},
    {"map": "first"},
    {"transform": "sign", "mean_correct": 0.2},
    {"transform": "hinge", "mean_correct": 0.2},
    {"transform": "hinge", "mean_correct": 0.3},
    {"clip_low": 0.0},
]


def test_every_setting_enters_the_fingerprint() -> None:
    judges = [make(TokenAlignmentOptions(**options)) for options in OPTIONS]
    assert len({judge.info.fingerprint for judge in judges}) == len(OPTIONS)
    # What is not used changes nothing.
    unused = make(TokenAlignmentOptions(tau=0.5, mean_correct=0.3))
    assert unused.info.fingerprint == judges[0].info.fingerprint
    assert judges[0].info.wants == (Want.TOKEN_REWARDS, Want.SCORE, Want.PREFERENCE)
    assert Input.SPANS in judges[0].info.reads
    assert judges[0].info.range == (-1, 1)


def calibration(folder: Path, fingerprint: str, mean_correct: float = 0.2) -> str:
    file = folder / "calibration.json"
    found = {"version": 1, "kind": "token_alignment", "judge fingerprint": fingerprint,
             "mean_correct": mean_correct, "std_correct": 0.1,
             "mean_hallucinated": 0.1, "std_hallucinated": 0.1, "margin": 0.01}  # fmt: skip
    file.write_text(json.dumps(found))
    return str(file)


async def test_a_calibration_file_gives_the_numbers(tmp_path: Path) -> None:
    raw = make(TokenAlignmentOptions())
    path = calibration(tmp_path, raw.info.fingerprint)
    judge = make(TokenAlignmentOptions(transform="center", calibration=path))
    ask, asked = Ask(Want.SCORE), item(IMAGES[0], TEXT)
    found, plain = await judge.judge(asked, ask), await raw.judge(asked, ask)
    assert found.judgement is not None and plain.judgement is not None
    similarity = plain.judgement.scores[0].value
    assert similarity is not None
    assert found.judgement.scores[0].by_criterion["similarity"] == similarity
    # hi 0.19, lo 0.11
    expected = (2 * similarity - 0.3) / 0.08
    assert found.judgement.scores[0].value == pytest.approx(expected, abs=1e-4)
    prints = {judge.info.fingerprint}
    calibration(tmp_path, raw.info.fingerprint, 0.3)
    prints.add(make(TokenAlignmentOptions(transform="center", calibration=path)).info.fingerprint)
    assert len(prints) == 2


def test_a_calibration_of_another_judge_is_refused_with_the_fix(tmp_path: Path) -> None:
    other = make(TokenAlignmentOptions(source="mean"))
    path = calibration(tmp_path, other.info.fingerprint)
    with pytest.raises(ValueError, match="made for the judge .* run `mmjudge calibrate`") as raised:
        make(TokenAlignmentOptions(transform="sign", calibration=path))
    assert make(TokenAlignmentOptions()).info.fingerprint in str(raised.value)
