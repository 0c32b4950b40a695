"""Which part of a picture a tower's patches cover: what lies outside is not seen."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PIL
from tests.judges import tiny_models
from tests.judges.golden_models import write_hps
from tests.judges.tiny_models import OPEN_CLIP_VIT

from mmjudge.judges.backbones.features import WHOLE
from mmjudge.judges.backbones.hps_tower import load_hps_tower
from mmjudge.judges.backbones.open_clip_tower import load_open_clip_tower
from mmjudge.judges.backbones.photo_lite import PhotoLite
from mmjudge.judges.backbones.picture_box import picture_box
from mmjudge.judges.backbones.tower import Framing, Tower
from mmjudge.judges.backbones.transformers_tower import load_transformers_tower

CPU = torch.device("cpu")
SIZES = [(640, 400), (300, 500), (256, 256)]
KINDS = ["photo-lite", "clip", "shortest", "longest", "squash", "hps"]


@pytest.fixture(params=KINDS)
def tower(request: pytest.FixtureRequest, tmp_path: Path) -> Tower:
    match request.param:
        case "photo-lite":
            return PhotoLite(CPU, torch.float32)
        case "clip":
            folder = request.getfixturevalue("clip_folder")
            return load_transformers_tower(str(folder), "", CPU, torch.float32)
        case "hps":
            path = write_hps(request.getfixturevalue("goldens"), tmp_path)
            return load_hps_tower(str(path), "", "", CPU, torch.float32)
        case mode:
            tiny_models.write_open_clip(tmp_path, OPEN_CLIP_VIT, preprocess={"resize_mode": mode})
            return load_open_clip_tower(f"local-dir:{tmp_path}", "", CPU, torch.float32)


def seen(tower: Tower, picture: PIL.Image) -> torch.Tensor:
    return tower.preprocess(picture)[0]


@pytest.mark.parametrize("size", SIZES)
def test_a_marker_is_seen_where_the_box_says(tower: Tower, size: tuple[int, int]) -> None:
    assert isinstance(tower, Framing)
    left, top, right, bottom = tower.box(size)
    width, height = size
    plain = seen(tower, PIL.new("RGB", size))
    rows, columns = plain.shape[1:]
    reach = 3  # of the input's pixels: what bicubic interpolation spreads, and half of rounding
    found, outside = 0, 0
    for x, y in [(0.03, 0.5), (0.25, 0.3), (0.5, 0.5), (0.7, 0.6), (0.5, 0.02), (0.98, 0.97)]:
        pixels = np.zeros((height, width, 3), np.uint8)
        cx, cy = int(x * width), int(y * height)
        pixels[max(0, cy - 4) : cy + 4, max(0, cx - 4) : cx + 4] = 255
        changed = (seen(tower, PIL.fromarray(pixels)) - plain).abs().sum(0)
        column, row = (x - left) / (right - left) * columns, (y - top) / (bottom - top) * rows
        inside = reach < column < columns - reach and reach < row < rows - reach
        beyond = not (-reach < column < columns + reach and -reach < row < rows + reach)
        if inside:
            found += 1
            heavy = changed * (changed > changed.max() / 2)
            ys, xs = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
            total = heavy.sum()
            assert float((heavy * xs).sum() / total) + 0.5 == pytest.approx(column, abs=1.6)
            assert float((heavy * ys).sum() / total) + 0.5 == pytest.approx(row, abs=1.6)
        elif beyond:
            outside += 1
            assert not changed.any()
    assert found >= 2
    cropped = right - left < 0.8 or bottom - top < 0.8
    assert outside >= 1 if cropped else not outside


def test_a_border_that_is_cropped_away_is_outside_the_box() -> None:
    left, top, right, bottom = PhotoLite(CPU, torch.float32).box((640, 427))
    assert (top, bottom) == (0, 1)
    assert left == pytest.approx(213 / 2 / 640, abs=1e-6) and left + right == pytest.approx(1)


def test_padding_lies_beyond_the_picture(goldens: Path, tmp_path: Path) -> None:
    tower = load_hps_tower(str(write_hps(goldens, tmp_path)), "", "", CPU, torch.float32)
    assert isinstance(tower, Framing)
    assert tower.box((200, 100)) == pytest.approx((0, -0.5, 1, 1.5))


def test_pixels_that_fill_no_patch_are_not_covered(tmp_path: Path) -> None:
    config = OPEN_CLIP_VIT | {"vision_cfg": OPEN_CLIP_VIT["vision_cfg"] | {"image_size": 36}}
    tiny_models.write_open_clip(tmp_path, config)
    tower = load_open_clip_tower(f"local-dir:{tmp_path}", "", CPU, torch.float32)
    assert isinstance(tower, Framing) and tower.grid == (4, 4)
    assert tower.box((50, 50)) == pytest.approx((0, 0, 32 / 36, 32 / 36))


def test_the_middle_and_what_is_covered_of_it() -> None:
    assert picture_box((10, 20), (10, 20)) == WHOLE
    assert picture_box((20, 10), (10, 10)) == (0.25, 0, 0.75, 1)
    assert picture_box((20, 10), (10, 10), (8, 5)) == (0.25, 0, 0.65, 0.5)
