"""An image as InternVL2 is shown it: a grid of square tiles, and the whole image once more, small.

After `dynamic_preprocess` of OpenGVLab/InternVL.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PIL
from torch import Tensor

SIDE = 448  # pixels of a tile
MOST_TILES = 12  # in a grid
# Of ImageNet, by channel.
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Grid(NamedTuple):
    """Tiles of an image, side by side and below each other."""

    columns: int
    rows: int

    @property
    def cells(self) -> int:
        """Tiles of the grid alone."""
        return self.columns * self.rows

    @property
    def tiles(self) -> int:
        """All tiles shown: where the grid has several, the whole image is one more."""
        return self.cells + (self.cells > 1)


def choose_grid(width: int, height: int, most: int = MOST_TILES) -> Grid:
    """The grid of at most `most` cells whose shape is nearest to that of the image.

    Where two are as near, it is the larger one, provided that the image has more than half its
    pixels.
    """
    shape = width / height
    sides = range(1, most + 1)
    grids = [Grid(columns, rows) for columns in sides for rows in sides if columns * rows <= most]
    best, least = Grid(1, 1), float("inf")
    for grid in sorted(grids, key=lambda grid: grid.cells):
        distance = abs(shape - grid.columns / grid.rows)
        fills = width * height > 0.5 * SIDE * SIDE * grid.cells
        if distance < least or (distance == least and fills):
            best, least = grid, distance
    return best


def cut_tiles(picture: PIL.Image, grid: Grid) -> NDArray[np.uint8]:
    """Cut an RGB picture, stretched to its grid: uint8 `[grid.tiles, 448, 448, 3]`, row by row."""
    wide, high = grid.columns * SIDE, grid.rows * SIDE
    stretched = np.asarray(_resize(picture, wide, high))
    cells = stretched.reshape(grid.rows, SIDE, grid.columns, SIDE, 3).swapaxes(1, 2)
    tiles = cells.reshape(grid.cells, SIDE, SIDE, 3)
    if grid.tiles > grid.cells:
        tiles = np.concatenate([tiles, np.asarray(_resize(picture, SIDE, SIDE))[None]])
    return np.array(tiles)  # writable, which Pillow's are not


def _resize(picture: PIL.Image, width: int, height: int) -> PIL.Image:
    # Pillow 13 does both at once in the order that costs less, which rounds differently from the
    # versions before it, and from what the model was trained on.
    bicubic = PIL.Resampling.BICUBIC
    return picture.resize((width, picture.height), bicubic).resize((width, height), bicubic)


def normalise(tiles: Tensor) -> Tensor:
    """uint8 `[tiles, 448, 448, 3]` -> float32 `[tiles, 3, 448, 448]`, what the network reads."""
    channels = (1, 3, 1, 1)
    mean = torch.tensor(MEAN, device=tiles.device).view(channels)
    deviation = torch.tensor(DEVIATION, device=tiles.device).view(channels)
    return tiles.permute(0, 3, 1, 2).float().div(255).sub(mean).div(deviation).contiguous()
