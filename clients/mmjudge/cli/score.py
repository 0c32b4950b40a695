"""`mmjudge score`: how well texts fit an image."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json, Timeout
from mmjudge.cli.terminal import ExitStatus, err, out, print_json, reported
from mmjudge.client import Client, Error, Judgement, Scores, Verdict
from mmjudge.client.local import LocalClient


def score(
    image: Annotated[Path, typer.Argument(help="An image file.")],
    texts: Annotated[list[str], typer.Argument(help="Texts to score it with, one after another.")],
    judge: Annotated[
        list[str] | None, typer.Option(help="Judge to ask; may be repeated. The only one, if so.")
    ] = None,
    address: Address = DEFAULT_ADDRESS,
    local: Annotated[
        bool, typer.Option("--local", help="Ask no server: load photo-lite right here.")
    ] = False,
    timeout: Timeout = 60.0,
    json: Json = False,
) -> None:
    """Score an image with each text, the best first."""
    with reported():
        with err.status("loading photo-lite") if local else err.status(f"asking {address}"):
            with (
                LocalClient(timeout=timeout)
                if local
                else Client(address, timeout=timeout) as client
            ):
                asked = judge or list(client.list_judges().judges)
                results = client.score(image, texts, judges=asked, on_failure="nan")
    for scores in results.values():
        if json:
            print_json(_plain(scores, texts))
        else:
            _print(scores, texts)
    verdicts = [verdict for scores in results.values() for verdict in scores.verdicts]
    if any(verdict.judgement is None for verdict in verdicts):
        raise typer.Exit(ExitStatus.NOT_JUDGED)


def _print(scores: Scores, texts: list[str]) -> None:
    table = Table(title=f"{scores.judge} ({scores.fingerprint[:12]})", title_justify="left")
    table.add_column("score", justify="right")
    table.add_column("text")
    rows = sorted(zip(scores.verdicts, scores.values, texts, strict=True), key=_best_first)
    for verdict, value, text in rows:
        shown = f"{value:.4f}" if verdict.judgement else "[red]none[/]"
        table.add_row(shown, "\n".join([escape(text), *map(escape, _remarks(verdict))]))
    out.print(table)


def _best_first(row: tuple[Verdict, float, str]) -> tuple[bool, float]:
    verdict, value, _ = row
    return (True, 0.0) if verdict.judgement is None else (False, -float(value))


def _remarks(verdict: Verdict) -> list[str]:
    remarks = [f"note: {note.message}" for note in verdict.notes]
    match verdict.outcome:
        case Error() as error:
            remarks.append(f"{error.reason}: {error.message}")
        case Judgement():
            pass
        case abstention:
            remarks.append(f"{abstention.reason.name}: {abstention.message}")
    return remarks


def _plain(scores: Scores, texts: list[str]) -> dict[str, object]:
    rows = [
        {
            "text": text,
            "value": float(value) if verdict.judgement else None,
            "remarks": _remarks(verdict),
        }
        for text, value, verdict in zip(texts, scores.values, scores.verdicts, strict=True)
    ]
    return {"judge": scores.judge, "fingerprint": scores.fingerprint, "scores": rows}
