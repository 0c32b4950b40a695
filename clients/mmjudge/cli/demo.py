"""`mmjudge demo`: score real photographs through a server started for the purpose."""

import json as json_module
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from mmjudge.cli.contact_sheet import ScoredPhoto, contact_sheet
from mmjudge.cli.options import Json
from mmjudge.cli.server_process import own_server
from mmjudge.cli.terminal import err, out, print_json, reported
from mmjudge.client import Candidate, Client, EncodedImage, Item, Verdicts

SHOWN = 3


def demo(
    photos: Annotated[
        Path | None, typer.Option(help="Folder with photographs and a captions.json.")
    ] = None,
    output: Annotated[Path, typer.Option(help="Where to write the contact sheet.")] = Path(
        "mmjudge-demo.png"
    ),
    address: Annotated[
        str | None, typer.Option(help="Ask the server there instead of starting one.")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="Judge to ask; the only one, if so.")] = None,
    json: Json = False,
) -> None:
    """Score photographs with their own captions and each other's, and mark the best of each.

    Starts a server with the embedded judge on a free loopback port, asks it over gRPC, prints a
    table, writes a contact sheet, and stops the server.
    """
    with reported():
        folder = photos or example_photos()
        files, captions = _read(folder)
        with err.status("starting a server with the embedded judge"):
            with nullcontext(address) if address else own_server() as where:
                verdicts = _ask(where, judge, files, captions)
        scored = [
            ScoredPhoto(file, captions, values.tolist(), true)
            for true, (file, values) in enumerate(
                zip(files, verdicts.candidate_values, strict=True)
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
    out.print(f"{summary[0].upper()}{summary[1:]}.\nContact sheet: {output}")


def example_photos() -> Path:
    """The folder of example photographs: inside the wheel, or in the source tree."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "photos", here.parents[3] / "examples" / "photos"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("the example photographs are not installed; name a folder: --photos")


def _read(folder: Path) -> tuple[list[Path], list[str]]:
    entries = json_module.loads((folder / "captions.json").read_text(encoding="utf-8"))
    return [folder / entry["file"] for entry in entries], [entry["caption"] for entry in entries]


def _ask(address: str, judge: str | None, files: list[Path], captions: list[str]) -> Verdicts:
    candidates = [Candidate([caption]) for caption in captions]
    items = [
        Item(prompt=[EncodedImage(file.read_bytes())], candidates=candidates, id=file.name)
        for file in files
    ]
    with Client(address) as client:
        return client.judge(items, judges=judge)


def _table(photos: list[ScoredPhoto], verdicts: Verdicts) -> Table:
    table = Table(title=f"{verdicts.judge}: the best captions of each photograph")
    table.add_column("photograph")
    table.add_column("score", justify="right")
    table.add_column("caption")
    table.add_column("is")
    for photo in photos:
        shown = photo.order[:SHOWN]
        for place, index in enumerate(shown if photo.true in shown else [*shown, photo.true]):
            style = "" if place else "bold green" if photo.right else "bold red"
            table.add_row(
                "" if place else photo.path.name,
                f"{'' if place else '* '}{photo.scores[index]:.3f}",
                photo.captions[index],
                "true" if index == photo.true else "false",
                style=style,
            )
        table.add_section()
    table.caption = f"* best of {len(photos[0].captions)} captions"
    return table
