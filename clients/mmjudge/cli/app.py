"""The command line's commands."""

from importlib.metadata import version
from typing import Annotated

import typer

from mmjudge.cli.bench import bench
from mmjudge.cli.calibrate import calibrate
from mmjudge.cli.commands import Commands
from mmjudge.cli.demo import demo
from mmjudge.cli.explain import explain
from mmjudge.cli.judges import judges
from mmjudge.cli.pull import pull
from mmjudge.cli.report import report
from mmjudge.cli.score import score
from mmjudge.cli.serve import serve
from mmjudge.cli.terminal import out

app = typer.Typer(
    name="mmjudge",
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (serve, pull, judges, score, explain, calibrate, report, demo):
    app.command()(command)
app.add_typer(bench, name="bench")


def _print_version(wanted: bool) -> None:
    if wanted:
        out.print(f"mmjudge {version('mmjudge')}")
        raise typer.Exit


@app.callback()
def mmjudge(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Judge and reward multimodal models.

    Exit status: 0 done, 1 something has no score, 2 a mistake in what was asked,
    3 no answer from the server, 4 a fault of ours.
    """
