"""What a judge said of a text, as its words with their rewards and where they are seen."""

from collections.abc import Iterator
from dataclasses import dataclass

from mmjudge.client import Score
from mmjudge.contract.verdicts import Grid

Box = tuple[float, float, float, float]
"""Left, top, right and bottom, as fractions of the upright image."""


@dataclass(frozen=True, slots=True)
class Word:
    """A rewarded piece of the text; `patch` is the part of the image that speaks for it."""

    text: str
    reward: float
    patch: Box | None = None


Piece = Word | str


def words_of(score: Score, text: str) -> list[Piece]:
    """Return all of `text` in order: its words, and as plain str what is between them.

    Spans that are 0 by rule (no reward and no patch) are plain. Raises ValueError for a score
    without values of spans.
    """
    if score.spans is None or score.span_values is None:
        raise ValueError("the judge gave no rewards of words: ask one that does, token_alignment")
    encoded, end = text.encode(), 0
    pieces: list[Piece] = []
    for place, (first, last) in enumerate(score.spans.tolist()):
        patch = None
        if score.regions is not None and score.grid is not None:
            patch = _patch(score.grid, int(score.regions[place]))
        reward = float(score.span_values[place])
        first = max(first, end)
        if last > first and (reward or patch):
            pieces.append(encoded[end:first].decode())
            pieces.append(Word(encoded[first:last].decode(), reward, patch))
            end = last
    pieces.append(encoded[end:].decode())
    return [piece for piece in pieces if piece]


def rewarded(pieces: list[Piece]) -> list[Word]:
    """Return the words among `pieces`, the best first."""
    return sorted(_words(pieces), key=lambda word: -word.reward)


def largest(pieces: list[Piece]) -> float:
    """Return the largest reward without its sign, 1 if there is none to scale by."""
    return max((abs(word.reward) for word in _words(pieces)), default=0.0) or 1.0


def _words(pieces: list[Piece]) -> Iterator[Word]:
    return (piece for piece in pieces if isinstance(piece, Word))


def _patch(grid: Grid, region: int) -> Box | None:
    if not 0 <= region < grid.rows * grid.columns:
        return None
    row, column = divmod(region, grid.columns)
    left, top, right, bottom = grid.box
    width, height = (right - left) / grid.columns, (bottom - top) / grid.rows
    edges = (
        left + column * width,
        top + row * height,
        left + (column + 1) * width,
        top + (row + 1) * height,
    )
    # Encoders that pad see more than the picture.
    x0, y0, x1, y1 = (min(max(edge, 0.0), 1.0) for edge in edges)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
