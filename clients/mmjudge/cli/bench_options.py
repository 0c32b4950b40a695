"""Options that the commands of `mmjudge bench` share."""

import os
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mmjudge.cli.terminal import on_terminal

if TYPE_CHECKING:
    from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings

NEEDED = ("datasets", "jinja2", "scipy")
FIX = "pip install 'mmjudge[bench]'"
OUTPUT = Path("mmjudge-bench")
BATCH = 64


class Missing(StrEnum):
    """What is done about records whose images are not there."""

    refuse = "refuse"
    skip = "skip"


class Orders(StrEnum):
    """The orders in which a judge that compares is shown a pair."""

    both = "both"
    given = "given"


class Recipe(StrEnum):
    """A recipe by name."""

    paper = "paper"
    raw = "raw"


class Weighting(StrEnum):
    """What weighs alike in a perspective's accuracy."""

    records = "records"
    subcategories = "subcategories"


Judges = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        help="Judge to evaluate; repeat it for several, asked in one upload. A name with "
        "{perspective} stands for a judge a perspective, such as qwen-{perspective}. "
        "The only one hosted, if none is named.",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        help="Folder of the results, a file a judge; gone on with if they are there.",
        file_okay=False,
    ),
]
Subset = Annotated[
    list[str] | None,
    typer.Option(help="Perspective, or perspective/subcategory, to ask about; repeatable."),
]
Limit = Annotated[
    int | None, typer.Option(help="So many records of each perspective, the first ones.", min=1)
]
MissingImages = Annotated[
    Missing, typer.Option(help="Records without their images: refuse the data, or go without.")
]
PairOrders = Annotated[
    Orders, typer.Option(help="Orders in which a judge that compares is shown a pair.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what was read, and ask no judge.")]
Patience = Annotated[
    float,
    typer.Option("--timeout", help="Seconds to wait for the answers of one batch.", min=0.001),
]
Batch = Annotated[
    int,
    typer.Option(
        "--batch",
        help="Records asked about at once, and written together. Few for a slow judge.",
        min=1,
    ),
]
RecipeName = Annotated[
    Recipe,
    typer.Option(help="paper: min-max by file, ties within 0.05; raw: scores as they are."),
]
Threshold = Annotated[
    float | None, typer.Option(help="Scores of a pair that differ by no more are a tie.", min=0)
]
PairWeighting = Annotated[
    Weighting, typer.Option(help="What weighs alike in a perspective's accuracy.")
]


def check_extra() -> None:
    """Raise ValueError with the fix where packages of the extra are missing."""
    if not on_terminal():  # else a log would have the data sets' progress bars in it
        os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ValueError(f"evaluating judges needs {', '.join(missing)}: {FIX}")


def settings_of(recipe: Recipe, threshold: float | None, weighting: Weighting) -> "MjBenchSettings":
    """The recipe of that name with what was said beside it."""
    from dataclasses import replace

    from mmjudge.bench.metrics.mj_bench_settings import preset

    settings = preset(recipe.value)
    pairs = replace(settings.pairs, weighting=weighting.value)
    if threshold is not None:
        pairs = replace(pairs, threshold=threshold)
    return replace(settings, pairs=pairs)
