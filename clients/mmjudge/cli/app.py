"""The command line's commands."""

import typer

from mmjudge.cli.demo import demo
from mmjudge.cli.judges import judges
from mmjudge.cli.score import score
from mmjudge.cli.serve import serve

app = typer.Typer(
    name="mmjudge",
    help="Judge and reward multimodal models.\n\n"
    "Exit status: 0 done, 1 something has no score, 2 a mistake in what was asked, "
    "3 no answer from the server, 4 a fault of ours.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in (serve, judges, score, demo):
    app.command()(command)
