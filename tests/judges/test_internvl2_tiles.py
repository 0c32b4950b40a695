"""InternVL2's tiles against the recorded ones, and their number under a budget."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as PIL
from tests.judges import mmie_goldens as recorded

from mmjudge.contract.errors import ItemError
from mmjudge.contract.image_files import open_image
from mmjudge.contract.images import EncodedImage
from mmjudge.judges.backbones.internvl2_budget import TileBudget, fit_grids
from mmjudge.judges.backbones.internvl2_tiles import Grid, choose_grid, cut_tiles, normalise

WIDE, SQUARE, SMALL = (1920, 1080), (1000, 1000), (300, 300)


def sha256(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def test_grids_are_the_recorded_ones(mmie_goldens: Path) -> None:
    rows = recorded.read(mmie_goldens, "tiling/grid_table.json")["rows"]
    assert len(rows) == 1025
    for width, height, most, columns, high in rows:
        assert choose_grid(width, height, most) == (columns, high)


def test_tiles_and_what_the_network_reads_are_the_recorded_ones(
    mmie_goldens: Path, one_thread: None
) -> None:
    count = 0
    for image in recorded.read(mmie_goldens, "tiling/tiling.json")["images"]:
        with PIL.open(mmie_goldens / image["image"]) as picture:
            rgb = picture.convert("RGB")
        for variant in image["variants"]:
            grid = choose_grid(*rgb.size, variant["max_num"])
            tiles = cut_tiles(rgb, grid)
            tiles = tiles if variant["use_thumbnail"] else tiles[: grid.cells]
            values = normalise(torch.from_numpy(tiles))
            assert list(grid) == variant["grid_cols_rows"]
            assert sha256(tiles) == variant["tiles_uint8_NHWC_sha256"]
            assert sha256(values.numpy()) == variant["pixel_values_float32_NCHW_sha256"]
            rounded = values.bfloat16().view(torch.int16).numpy()
            assert sha256(rounded) == variant["pixel_values_bfloat16_bits_sha256"]
            count += 1
    assert count == 64


def test_the_guarded_reader_gives_the_recorded_pixels_of_all_but_16_bit_greys(
    mmie_goldens: Path,
) -> None:
    differ = []
    for image in recorded.read(mmie_goldens, "tiling/tiling.json")["images"]:
        data = (mmie_goldens / image["image"]).read_bytes()
        opened = open_image(EncodedImage(data), turn=False)
        if sha256(np.asarray(opened.picture.convert("RGB"))) != image["rgb_sha256"]:
            differ.append(image["file_mode"])
    assert differ == ["I;16"]  # which upstream clips to white, and we scale


def test_a_photograph_that_is_not_turned_says_so(mmie_goldens: Path) -> None:
    image = EncodedImage((mmie_goldens / "images/d17_exif6_400x300.jpg").read_bytes())
    as_stored, upright = open_image(image, turn=False), open_image(image)
    assert as_stored.picture.size == upright.picture.size[::-1] == (400, 300)
    assert [note.code for note in as_stored.notes] == ["EXIF_IGNORED"]
    assert [note.code for note in upright.notes] == ["IMAGE_ROTATED"]


def test_images_keep_their_grids_where_there_is_room() -> None:
    sizes = [WIDE, SQUARE, SMALL]
    full = [choose_grid(*size) for size in sizes]
    assert fit_grids(sizes, sum(grid.tiles for grid in full)) == full
    assert fit_grids(sizes, 1000) == full


@pytest.mark.parametrize("room", range(3, 30))
def test_tiles_never_number_more_than_there_is_room_for(room: int) -> None:
    grids = fit_grids([WIDE, SQUARE, SMALL], room)
    assert grids is not None
    assert sum(grid.tiles for grid in grids) <= room
    assert min(grid.tiles for grid in grids) >= 1


def test_room_goes_to_the_image_of_fewest_tiles_first() -> None:
    sizes = [WIDE, SMALL, SQUARE]
    full = [choose_grid(*size) for size in sizes]
    assert [grid.tiles for grid in full] == [9, 1, 10]
    assert fit_grids(sizes, 19) == [Grid(4, 2), Grid(1, 1), Grid(2, 2)]
    assert fit_grids(sizes, 9) == [Grid(2, 1), Grid(1, 1), Grid(2, 2)]
    assert fit_grids(sizes, 6) == [Grid(2, 1), Grid(1, 1), Grid(1, 1)]
    assert fit_grids(sizes, 3) == [Grid(1, 1)] * 3


def test_the_order_of_unlike_images_does_not_change_their_tiles() -> None:
    there = fit_grids([WIDE, SQUARE, SMALL], 9)
    back = fit_grids([SMALL, SQUARE, WIDE], 9)
    assert there is not None
    assert back == there[::-1]


def test_more_images_than_tiles_do_not_fit() -> None:
    assert fit_grids([SMALL] * 3, 2) is None
    assert fit_grids([], -1) is None
    assert fit_grids([], 0) == []


def test_a_budget_notes_what_it_took_from_which_image() -> None:
    budget = TileBudget(context=4096, answer=1024, tile=256, shrinks=True)
    grids, notes = budget.grids([WIDE, SQUARE, SMALL], text=1000)
    assert [grid.tiles for grid in grids] == [3, 1, 1]
    assert [(note.code, note.field) for note in notes] == [
        ("TILES_REDUCED", "images[0]"),
        ("TILES_REDUCED", "images[1]"),
    ]
    assert notes[0].message.startswith("shown in 3 instead of 9 tiles")


@pytest.mark.parametrize(
    ("shrinks", "text", "numbers"),
    [
        (True, 2600, "2600 tokens of text, 2 tiles of 256 for 2 images and 1024 .* are 4136"),
        (False, 1000, "1000 tokens of text, 19 tiles of 256 for 2 images and 1024 .* are 6888"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_numbers(
    shrinks: bool, text: int, numbers: str
) -> None:
    budget = TileBudget(context=4096, answer=1024, tile=256, shrinks=shrinks)
    with pytest.raises(ItemError, match=f"{numbers}, the context holds 4096") as refused:
        budget.grids([WIDE, SQUARE], text)
    assert refused.value.error.reason == "CONTEXT_EXCEEDED"


def test_a_text_that_fills_the_context_alone_is_refused() -> None:
    budget = TileBudget(context=4096, answer=1024, tile=256, shrinks=False)
    assert budget.grids([], 3072) == ([], ())
    with pytest.raises(ItemError, match="3073 tokens of text"):
        budget.grids([], 3073)
