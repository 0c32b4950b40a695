"""An explanation as one page of HTML: it needs no network, and shows a word's patch when asked."""

from html import escape
from importlib.resources import files
from string import Template

from PIL import Image

from mmjudge.bench.data_uris import jpeg_uri
from mmjudge.cli.word_rewards import Piece, Word, largest, rewarded

LONGEST_SIDE = 1200
QUALITY = 88
HINT = "Point at a word, or tab to it: the image shows where it is seen."


def explanation_page(photo: Image.Image, pieces: list[Piece], title: str, subtitle: str) -> str:
    """Return a page with `photo`, upright RGB, and the text; all that is not ours is escaped."""
    limit = largest(pieces)
    template = files("mmjudge.cli").joinpath("explain_page.html").read_text(encoding="utf-8")
    rows = [
        f"<tr><td>{escape(word.text)}</td><td>{word.reward:.3f}</td></tr>"
        for word in rewarded(pieces)
    ]
    return Template(template).substitute(
        title=escape(title),
        subtitle=escape(subtitle),
        image=jpeg_uri(photo, LONGEST_SIDE, QUALITY),
        words="".join(_piece(piece, limit) for piece in pieces),
        hint=HINT,
        limit=f"{limit:.2f}",
        rows="\n".join(rows),
    )


def _piece(piece: Piece, limit: float) -> str:
    if isinstance(piece, str):
        return escape(piece)
    patch = " ".join(f"{100 * edge:.2f}" for edge in piece.patch or ())
    told = f"{piece.text}: {piece.reward:.3f}" + ("" if patch else ", no patch")
    return (
        f'<button type="button" class="word {_side(piece)}" title="{escape(told)}" '
        f'aria-label="{escape(told)}" data-patch="{patch}" '
        f'style="--share: {100 * min(abs(piece.reward) / limit, 1):.0f}%">'
        f"{escape(piece.text)}</button>"
    )


def _side(word: Word) -> str:
    return "below" if word.reward < 0 else "above"
