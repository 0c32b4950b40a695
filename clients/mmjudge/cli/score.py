"""`mmjudge score`: how well texts fit an image."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from mmjudge.cli.image_argument import read_image
from mmjudge.cli.local_judges import local_client
from mmjudge.cli.options import ImageFile, Json, Local, SomeAddress, Timeout, place
from mmjudge.cli.progress import progress
from mmjudge.cli.terminal import ExitStatus, fail, out, print_json, reported
from mmjudge.client import Client, Error, Judgement, Scores, Verdict


def score(
    image: ImageFile,
    texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help="Texts to score it with.")],
    judge: Annotated[
        list[str] | None, typer.Option(help="Judge to ask; may be repeated. All, if none is named.")
    ] = None,
    address: SomeAddress = None,
    local: Local = False,
    timeout: Timeout = 60.0,
    json: Json = False,
) -> None:
    """Score an image with each text, the best first."""
    where = place(address, local)
    with reported(where):
        picture = read_image(image)
        with progress("loading photo-lite" if local else f"asking {where}") as shown:
            with local_client(timeout) if local else Client(where, timeout=timeout) as client:
                asked = judge or list(client.list_judges().judges)
                shown.say(f"asking {', '.join(asked)}")
                results = client.score(picture, texts, judges=asked, on_failure="nan")
    for scores in results.values():
        if json:
            print_json(_plain(scores, texts))
        else:
            _print(scores, texts)
    verdicts = [verdict for scores in results.values() for verdict in scores.verdicts]
    if missing := sum(verdict.judgement is None for verdict in verdicts):
        message = f"no score for {missing} of {len(verdicts)}: the output says why"
        raise fail(message, ExitStatus.NOT_JUDGED)


def _print(scores: Scores, texts: list[str]) -> None:
    out.print(Text(f"{scores.judge} ({scores.fingerprint[:12]})", "italic"))
    table = Table()
    table.add_column("score", justify="right")
    table.add_column("text")
    rows = sorted(zip(scores.verdicts, scores.values, texts, strict=True), key=_best_first)
    for verdict, value, text in rows:
        shown = f"{value:.4f}" if verdict.judgement else "[red]none[/]"
        table.add_row(shown, Text("\n".join([text, *_remarks(verdict)])))
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
