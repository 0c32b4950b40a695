"""How many tiles each image of a prompt has, so that all of it fits the model's context."""

from collections.abc import Sequence
from dataclasses import dataclass

from mmjudge.contract.errors import invalid
from mmjudge.contract.verdicts import Note
from mmjudge.judges.backbones.internvl2_tiles import Grid, choose_grid


@dataclass(frozen=True, slots=True)
class TileBudget:
    """Tokens that a prompt and its answer share.

    context: most tokens of both, beyond which Phi-3 takes other factors for all positions and is
    another model. answer: those kept free for the answer. tile: those of one tile.
    shrinks: images are shown in fewer tiles where there is no room; else that is an error.
    """

    context: int
    answer: int
    tile: int
    shrinks: bool

    def grids(
        self, sizes: Sequence[tuple[int, int]], text: int
    ) -> tuple[list[Grid], tuple[Note, ...]]:
        """Grids of images of (width, height) beside `text` tokens; notes on those made smaller.

        Notes TILES_REDUCED, and raises `ItemError` CONTEXT_EXCEEDED, with `images[i]` or no field.
        """
        full = [choose_grid(*size) for size in sizes]
        room = (self.context - text - self.answer) // self.tile
        grids = fit_grids(sizes, room) if self.shrinks else full
        if grids is None or _tiles(grids) > room:
            least = len(sizes) if self.shrinks else _tiles(full)
            needed = text + least * self.tile + self.answer
            raise invalid(
                "CONTEXT_EXCEEDED",
                f"{text} tokens of text, {least} tiles of {self.tile} for {len(sizes)} images and "
                f"{self.answer} for the answer are {needed}, the context holds {self.context}: "
                "shorten the texts, send fewer images"
                + ("" if self.shrinks else " or let them be shown in fewer tiles"),
            )
        notes = tuple(
            Note(
                "TILES_REDUCED",
                f"shown in {now.tiles} instead of {before.tiles} tiles, so that question and "
                f"answer fit {self.context} tokens",
                f"images[{index}]",
            )
            for index, (before, now) in enumerate(zip(full, grids, strict=True))
            if now != before
        )
        return grids, notes


def fit_grids(sizes: Sequence[tuple[int, int]], room: int) -> list[Grid] | None:
    """Grids of images of (width, height) whose tiles number at most `room` together.

    Each image begins as one tile. The one of fewest tiles (of several, the one of most pixels, then
    the first) takes the next grid that its shape allows, up to the one that it would have by
    itself, for as long as there is room for any. None where one tile an image is too many.
    """
    if len(sizes) > room:
        return None
    ladders = [_ladder(*size) for size in sizes]
    while growing := [
        index
        for index, ladder in enumerate(ladders)
        if len(ladder) > 1 and _used(ladders) - ladder[0].tiles + ladder[1].tiles <= room
    ]:
        least = min(growing, key=lambda i: (ladders[i][0].tiles, -sizes[i][0] * sizes[i][1]))
        del ladders[least][0]
    return [ladder[0] for ladder in ladders]


def _ladder(width: int, height: int) -> list[Grid]:
    """Grids of an image, from one tile to the one that it has by itself."""
    grids = [choose_grid(width, height)]
    while grids[0].cells > 1:
        grids.insert(0, choose_grid(width, height, grids[0].cells - 1))
    return grids


def _used(ladders: Sequence[Sequence[Grid]]) -> int:
    return sum(ladder[0].tiles for ladder in ladders)


def _tiles(grids: Sequence[Grid]) -> int:
    return sum(grid.tiles for grid in grids)
