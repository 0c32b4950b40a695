"""`mmjudge demo`: score real photographs through a server started for the purpose."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.table import Table
from rich.text import Text

from mmjudge.cli.contact_sheet import ScoredPhoto, contact_sheet
from mmjudge.cli.options import Json, Timeout, checked_address
from mmjudge.cli.photos import example_photos, read_photos, score_photos
from mmjudge.cli.progress import progress
from mmjudge.cli.server_process import own_server
from mmjudge.cli.terminal import out, print_json, reported
from mmjudge.client import Client, Verdicts

SHOWN = 3


def demo(
    photos: Annotated[
        Path | None,
        typer.Option(
            help="Folder with photographs and a captions.json.", exists=True, file_okay=False
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Where to write the contact sheet.", dir_okay=False)
    ] = Path("mmjudge-demo.png"),
    address: Annotated[
        str | None,
        typer.Option(
            help="Ask the server there instead of starting one.", callback=checked_address
        ),
    ] = None,
    judge: Annotated[str | None, typer.Option(help="Judge to ask; the only one, if so.")] = None,
    timeout: Timeout = 600.0,
    json: Json = False,
) -> None:
    """Score photographs with their own captions and each other's, and mark the best of each.

    Starts a server with the embedded judge on a free loopback port, asks it over gRPC, prints a
    table, writes a contact sheet, and stops the server.
    """
    with reported(address or ""):
        _check_output(output)
        read = read_photos(photos or example_photos())
        with progress("starting a server with the embedded judge") as shown:
            with nullcontext(address) if address else own_server() as where:
                shown.say(f"scoring {len(read)} photographs", len(read))
                with Client(where, timeout=timeout) as client:
                    verdicts = score_photos(client, judge, read, shown.step)
            shown.say("drawing the contact sheet")
            captions = [photo.caption for photo in read]
            scored = [
                ScoredPhoto(photo.file, captions, values.tolist(), true)
                for true, (photo, values) in enumerate(
                    zip(read, verdicts.candidate_values, strict=True)
                )
            ]
            right = sum(photo.right for photo in scored)
            summary = f"the true caption is first for {right} of {len(scored)} photographs"
            title = f"mmjudge: {verdicts.judge} ({verdicts.fingerprint[:12]}), {summary}"
            contact_sheet(scored, title).save(output)
    if json:
        rows = [
            {"photo": p.path.name, "best": captions[p.order[0]], "true": captions[p.true],
             "scores": list(p.scores)}
            for p in scored
        ]  # fmt: skip
        print_json({"judge": verdicts.judge, "fingerprint": verdicts.fingerprint,
                    "captions": captions, "photos": rows, "right": right,
                    "contact_sheet": str(output)})  # fmt: skip
        return
    out.print(_table(scored, verdicts))
    out.print(Text(f"{summary[0].upper()}{summary[1:]}.\nContact sheet: {output}"), soft_wrap=True)


def _check_output(path: Path) -> None:
    # Before the work, which it would be a pity to lose.
    if not path.parent.is_dir():
        raise typer.BadParameter(f"{path}: there is no folder {path.parent}", param_hint="--output")
    if path.suffix.lower() not in Image.registered_extensions():
        raise typer.BadParameter(
            f"{path}: expected the name of an image, such as {path.with_suffix('.png').name}",
            param_hint="--output",
        )


def _table(photos: list[ScoredPhoto], verdicts: Verdicts) -> Table:
    table = Table(title=Text(f"{verdicts.judge}: the best captions of each photograph"))
    table.add_column("photograph")
    table.add_column("score", justify="right")
    table.add_column("caption")
    table.add_column("is")
    for photo in photos:
        shown = photo.order[:SHOWN]
        for place, index in enumerate(shown if photo.true in shown else [*shown, photo.true]):
            style = "" if place else "bold green" if photo.right else "bold red"
            table.add_row(
                Text("" if place else photo.path.name),
                f"{'' if place else '* '}{photo.scores[index]:.3f}",
                Text(photo.captions[index]),
                "true" if index == photo.true else "false",
                style=style,
            )
        table.add_section()
    table.caption = f"* best of {len(photos[0].captions)} captions"
    return table
