"""`mmjudge explain`: which words of a text are seen in an image, and where."""

from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image, ImageOps
from rich.color import Color
from rich.style import Style
from rich.table import Table
from rich.text import Text

from mmjudge.cli.explain_page import explanation_page
from mmjudge.cli.explain_picture import explanation_picture
from mmjudge.cli.image_argument import read_image
from mmjudge.cli.local_judges import local_client
from mmjudge.cli.options import ImageFile, Json, Local, SomeAddress, Timeout, place
from mmjudge.cli.progress import progress
from mmjudge.cli.reward_colours import INK, colour_of
from mmjudge.cli.terminal import out, print_json, reported
from mmjudge.cli.word_rewards import Piece, Word, largest, rewarded, words_of
from mmjudge.client import Candidate, Client, EncodedImage, Item, Verdicts, Want

LOCAL = {"token_alignment": {"kind": "token_alignment", "model": "photo-lite"}}


def explain(
    image: ImageFile,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What is said of it.")],
    judge: Annotated[
        str | None, typer.Option(help="Judge to ask; the only one for token rewards, if so.")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Where to write the picture.", dir_okay=False)
    ] = Path("mmjudge-explain.png"),
    html: Annotated[Path, typer.Option(help="Where to write the page.", dir_okay=False)] = Path(
        "mmjudge-explain.html"
    ),
    address: SomeAddress = None,
    local: Local = False,
    timeout: Timeout = 60.0,
    json: Json = False,
) -> None:
    """Reward each word of a text by how it is seen in an image, and show where.

    Prints the words, and writes a picture and a page of HTML that needs no network.
    """
    where = place(address, local)
    with reported(where):
        _check_outputs(output, html)
        encoded = read_image(image)
        with progress("loading photo-lite" if local else f"asking {where}"):
            with (
                local_client(timeout, LOCAL) if local else Client(where, timeout=timeout) as client
            ):
                item = Item([encoded], [Candidate([text])])
                verdicts = client.judge([item], judges=judge, want=Want.TOKEN_REWARDS, regions=True)
        judgement = verdicts[0].judgement
        assert judgement is not None  # a failure has been raised
        (score,) = judgement.scores
        pieces = words_of(score, text)
        title = f"{image.name}: what {verdicts.judge} sees of the text"
        value = "" if score.value is None else f", value {score.value:.3f}"
        subtitle = f"{verdicts.judge} ({verdicts.fingerprint[:12]}){value}"
        photo = _upright(encoded)
        explanation_picture(photo, pieces, f"{image.name}: {subtitle}").save(output)
        html.write_text(explanation_page(photo, pieces, title, subtitle), encoding="utf-8")
    if json:
        print_json(
            _plain(verdicts, pieces)
            | {"value": score.value, "picture": str(output), "page": str(html)}
        )
        return
    out.print(Text(subtitle, "italic"))
    _print(pieces)
    for note in verdicts[0].notes:
        out.print(Text(f"note: {note.message}", "yellow"))
    out.print(Text(f"Picture: {output}\nPage: {html}"), soft_wrap=True)


def _check_outputs(output: Path, html: Path) -> None:
    # Before the work, which it would be a pity to lose.
    for path, option in ((output, "--output"), (html, "--html")):
        if not path.parent.is_dir():
            message = f"{path}: there is no folder {path.parent}"
            raise typer.BadParameter(message, param_hint=option)
    if output.suffix.lower() != ".png":
        raise typer.BadParameter(
            f"{output}: expected the name of a PNG, such as {output.with_suffix('.png').name}",
            param_hint="--output",
        )


def _upright(image: EncodedImage) -> Image.Image:
    with Image.open(BytesIO(image.data)) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def _print(pieces: list[Piece]) -> None:
    limit, shown = largest(pieces), Text()
    for piece in pieces:
        if isinstance(piece, Word):
            back = Color.from_rgb(*colour_of(piece.reward, limit))
            shown.append(piece.text, Style(color=Color.from_rgb(*INK), bgcolor=back))
        else:
            shown.append(piece)
    out.print(shown)
    table = Table()
    table.add_column("reward", justify="right")
    table.add_column("word")
    for word in rewarded(pieces):
        table.add_row(f"{word.reward:.4f}", Text(word.text))
    out.print(table)


def _plain(verdicts: Verdicts, pieces: list[Piece]) -> dict[str, object]:
    words = [
        {"word": piece.text, "reward": piece.reward, "patch": piece.patch}
        for piece in pieces
        if isinstance(piece, Word)
    ]
    notes = [note.message for note in verdicts[0].notes]
    return {
        "judge": verdicts.judge,
        "fingerprint": verdicts.fingerprint,
        "words": words,
        "notes": notes,
    }
