"""A contact sheet: photographs with their best captions and scores, as one picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

WIDTH, PHOTO_HEIGHT, MARGIN, LINE = 400, 280, 20, 24
CAPTIONS = 3
INK, FAINT, PAPER = (32, 32, 36), (140, 140, 148), (250, 250, 248)
# Blue and orange are told apart by colour-blind readers; the words beside them say the same.
TRUE, FALSE = (0, 98, 178), (213, 94, 0)


@dataclass(frozen=True, slots=True)
class ScoredPhoto:
    """A photograph, its captions with scores, and which of them is the true one."""

    path: Path
    captions: Sequence[str]
    scores: Sequence[float]
    true: int

    @property
    def order(self) -> list[int]:
        """Indices of the captions, the best first."""
        return sorted(range(len(self.captions)), key=lambda i: -self.scores[i])

    @property
    def right(self) -> bool:
        """Whether the true caption scores best."""
        return self.order[0] == self.true


def contact_sheet(photos: Sequence[ScoredPhoto], title: str) -> Image.Image:
    """Draw photographs in columns, under each its best captions with their scores as bars."""
    columns = min(4, len(photos))
    rows = -(-len(photos) // columns)
    cell = (WIDTH + MARGIN, PHOTO_HEIGHT + (1 + 2 * CAPTIONS) * LINE + MARGIN)
    top = 3 * LINE
    sheet = Image.new("RGB", (columns * cell[0] + MARGIN, rows * cell[1] + top + MARGIN), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN), title, INK, ImageFont.load_default(20))
    for index, photo in enumerate(photos):
        x, y = MARGIN + index % columns * cell[0], top + index // columns * cell[1]
        with Image.open(photo.path) as picture:
            upright = ImageOps.exif_transpose(picture).convert("RGB")
        sheet.paste(ImageOps.fit(upright, (WIDTH, PHOTO_HEIGHT)), (x, y))
        _draw_captions(draw, photo, x, y + PHOTO_HEIGHT + LINE // 3)
    return sheet


def _draw_captions(draw: ImageDraw.ImageDraw, photo: ScoredPhoto, x: int, y: int) -> None:
    font, small = ImageFont.load_default(15), ImageFont.load_default(13)
    best = max(*photo.scores, 1e-6)
    for place, index in enumerate(photo.order[:CAPTIONS]):
        is_true = index == photo.true
        colour = TRUE if is_true else FALSE if place == 0 else FAINT
        mark = "true: " if is_true else "false: "
        draw.text((x, y), _fitting(mark + photo.captions[index], font), colour, font)
        score = photo.scores[index]
        length = int((WIDTH - 60) * max(0.0, score) / best)
        draw.rectangle((x, y + LINE + 3, x + length, y + LINE + 11), colour)
        draw.text((x + length + 6, y + LINE - 2), f"{score:.3f}", INK, small)
        y += 2 * LINE


def _fitting(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont) -> str:
    if font.getlength(text) <= WIDTH:
        return text
    while font.getlength(text + "...") > WIDTH:
        text = text[:-1]
    return text.rstrip() + "..."
