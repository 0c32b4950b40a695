"""`mmjudge bench mjbench`: how good judges are at MJ-Bench."""

from typing import Annotated

import typer

from mmjudge.cli.bench_options import (
    BATCH,
    OUTPUT,
    Batch,
    DryRun,
    Judges,
    Limit,
    Missing,
    MissingImages,
    Orders,
    Output,
    PairOrders,
    PairWeighting,
    Patience,
    Recipe,
    RecipeName,
    Subset,
    Threshold,
    Weighting,
    check_extra,
    settings_of,
)
from mmjudge.cli.local_judges import local_client
from mmjudge.cli.options import Json, Local, SomeAddress, place
from mmjudge.cli.terminal import reported
from mmjudge.client import Client


def mjbench(
    data: Annotated[
        list[str],
        typer.Argument(
            metavar="DATA",
            help="MJ-Bench in any published form: a folder, a file, or a name on the hub. "
            "With --scores: files of scores.",
        ),
    ],
    judge: Judges = None,
    output: Output = OUTPUT,
    subset: Subset = None,
    limit: Limit = None,
    missing: MissingImages = Missing.refuse,
    orders: PairOrders = Orders.both,
    recipe: RecipeName = Recipe.paper,
    threshold: Threshold = None,
    weighting: PairWeighting = Weighting.records,
    scores: Annotated[
        bool,
        typer.Option("--scores", help="DATA are scores computed elsewhere; no server is asked."),
    ] = False,
    dry_run: DryRun = False,
    address: SomeAddress = None,
    local: Local = False,
    timeout: Patience = 3600.0,
    batch: Batch = BATCH,
    json: Json = False,
) -> None:
    """Ask judges about MJ-Bench's pairs and images, and say how good they are.

    Interrupted at any point and run again, it goes on where it was.
    """
    where = place(address, local)
    with reported(where):
        check_extra()
        from mmjudge.bench.mj_bench_reading import read_mj_bench
        from mmjudge.bench.reading import select
        from mmjudge.bench.score_files import read_scores
        from mmjudge.cli.bench_asking import Questions, evaluate, tell_reading
        from mmjudge.cli.bench_figures import tell_figures

        settings = settings_of(recipe, threshold, weighting)
        if scores:
            _check_scores_only(judge, subset, limit)
            tell_figures(read_scores(data), settings, json=json, write=False)
            return
        location = _only(data)
        reading = read_mj_bench(location, missing=missing.value)
        tell_reading(reading)
        selected = select(reading.records, subset or (), limit)
        if not dry_run:
            evaluate(
                Questions("mjbench", location, reading, selected),
                lambda: local_client(timeout) if local else Client(where, timeout=timeout),
                judge or (),
                output,
                settings,
                orders=orders.value,
                batch=batch,
                json=json,
            )


def _only(data: list[str]) -> str:
    if len(data) != 1:
        raise typer.BadParameter(
            f"{len(data)} of them, expected one data set; several files of scores need --scores",
            param_hint="DATA",
        )
    return data[0]


def _check_scores_only(judge: list[str] | None, subset: list[str] | None, limit: object) -> None:
    for option, value in (("--judge", judge), ("--subset", subset), ("--limit", limit)):
        if value:
            raise typer.BadParameter(
                "chooses what to ask, and --scores asks nobody", param_hint=option
            )
