"""An explanation as a picture: the photograph with the best words' patches, the text in colours."""

from collections.abc import Iterator
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from mmjudge.cli.reward_colours import INK, NONE, colour_of
from mmjudge.cli.word_rewards import Piece, Word, largest, rewarded

WIDTH, MARGIN, PHOTO_HEIGHT = 1000, 24, 620
INNER = WIDTH - 2 * MARGIN
LINE, PAD = 58, 4
OUTLINED = 5
FAINT = (110, 110, 118)
HALO, EDGE = (255, 255, 255), (16, 16, 20)
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont


def explanation_picture(photo: Image.Image, pieces: list[Piece], title: str) -> Image.Image:
    """Draw `photo`, upright RGB, above its text; the patches of the best words have their numbers.

    1000 pixels wide and as high as it takes. In DejaVu Sans where it is installed, else in Pillow's
    own font, which has few letters beyond ASCII; missing ones are boxes.
    """
    # A word that comes twice is one, and has one number.
    best = dict.fromkeys(word for word in rewarded(pieces) if word.patch and word.reward > 0)
    numbers = {word: number for number, word in enumerate(list(best)[:OUTLINED], 1)}
    scale = min(INNER / photo.width, PHOTO_HEIGHT / photo.height)
    shown = photo.resize((max(1, round(photo.width * scale)), max(1, round(photo.height * scale))))
    _outline(shown, numbers)

    laid = list(_laid_out(pieces, numbers))
    text_top = 2 * MARGIN + 24 + shown.height
    text_height = max((y for _, _, y in laid), default=0) + LINE
    sheet = Image.new("RGB", (WIDTH, text_top + text_height + 2 * MARGIN), NONE)
    draw = ImageDraw.Draw(sheet)
    draw.text((MARGIN, MARGIN // 2), title, FAINT, _font(15))
    sheet.paste(shown, ((WIDTH - shown.width) // 2, MARGIN + 24))
    limit = largest(pieces)
    for piece, x, y in laid:
        _draw_piece(draw, piece, MARGIN + x, text_top + y, limit, numbers)
    _draw_legend(draw, text_top + text_height + MARGIN // 2, limit)
    return sheet


def _outline(photo: Image.Image, numbers: dict[Word, int]) -> None:
    draw, font = ImageDraw.Draw(photo), _font(20)
    patches: dict[tuple[float, ...], list[int]] = {}
    for word, number in numbers.items():
        assert word.patch is not None
        patches.setdefault(word.patch, []).append(number)
    for (left, top, right, bottom), shared in patches.items():
        width, height = photo.size
        x, y = left * width, top * height
        # Thin photographs have patches that are no wider than their outlines.
        box = (x, y, max(right * width - 1, x + 4), max(bottom * height - 1, y + 4))
        # Dark within light, so that one of them is seen on any photograph.
        draw.rectangle(box, outline=HALO, width=5)
        draw.rectangle((box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1), outline=EDGE, width=2)
        label = ", ".join(map(str, shared))
        corner = (x + 5, y + 5)
        draw.rectangle((*corner, corner[0] + font.getlength(label) + 10, corner[1] + 26), fill=HALO)
        draw.text((corner[0] + 5, corner[1] + 1), label, EDGE, font)


def _laid_out(pieces: list[Piece], numbers: dict[Word, int]) -> Iterator[tuple[Piece, int, int]]:
    """Yield pieces that fit on a line, with their places on the sheet of text."""
    x = y = 0
    for piece in _parts(pieces):
        if piece == "\n":
            x, y = 0, y + LINE
            continue
        width = _width(piece, numbers)
        if x and x + width > INNER:
            x, y = 0, y + LINE
        if x or piece != " ":
            yield piece, x, y
            x += width


def _parts(pieces: list[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        if isinstance(piece, Word):
            yield piece
            continue
        for number, line in enumerate(piece.split("\n")):
            if number:
                yield "\n"
            for place, part in enumerate(line.split(" ")):
                yield from ([" "] if place else [])
                yield from ([part] if part else [])


def _width(piece: Piece, numbers: dict[Word, int]) -> int:
    if isinstance(piece, str):
        return round(_font(24).getlength(piece))
    below = _font(14).getlength(_below(piece, numbers))
    return round(max(_font(24).getlength(piece.text), below)) + 2 * PAD


def _below(word: Word, numbers: dict[Word, int]) -> str:
    number = f" [{numbers[word]}]" if word in numbers else ""
    return f"{word.reward:.2f}{number}"


def _draw_piece(
    draw: ImageDraw.ImageDraw,
    piece: Piece,
    x: int,
    y: int,
    limit: float,
    numbers: dict[Word, int],
) -> None:
    if isinstance(piece, str):
        draw.text((x, y), piece, FAINT, _font(24))
        return
    box = (x, y - 1, x + _width(piece, numbers) - 2, y + 30)
    draw.rounded_rectangle(box, 4, fill=colour_of(piece.reward, limit))
    draw.text((x + PAD, y), piece.text, INK, _font(24))
    draw.text((x + PAD, y + 33), _below(piece, numbers), FAINT, _font(14))


def _draw_legend(draw: ImageDraw.ImageDraw, y: int, limit: float) -> None:
    font, length = _font(14), 240
    draw.text((MARGIN, y), f"-{limit:.2f}", FAINT, font)
    left = MARGIN + 48
    for step in range(length):
        colour = colour_of((2 * step / (length - 1) - 1) * limit, limit)
        draw.line((left + step, y + 2, left + step, y + 14), colour)
    draw.rectangle((left - 1, y + 1, left + length, y + 15), outline=FAINT)
    draw.line((left + length // 2, y + 1, left + length // 2, y + 15), FAINT)
    told = f"{limit:.2f}   reward of each word; numbered: the best, with the patch they are seen in"
    draw.text((left + length + 8, y), told, FAINT, font)


@cache
def _font(size: int) -> Font:
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)
