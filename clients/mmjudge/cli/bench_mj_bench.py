"""`mmjudge bench mjbench`: how good judges are at MJ-Bench."""

from typing import Annotated

import typer

from mmjudge.cli import bench_options as option
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
    judge: option.Judges = None,
    output: option.Output = option.OUTPUT,
    subset: option.Subset = None,
    limit: option.Limit = None,
    missing: option.MissingImages = option.Missing.refuse,
    orders: option.PairOrders = option.Orders.both,
    recipe: option.RecipeName = option.Recipe.paper,
    threshold: option.Threshold = None,
    weighting: option.PairWeighting = option.Weighting.records,
    scores: Annotated[
        bool,
        typer.Option("--scores", help="DATA are scores computed elsewhere; no server is asked."),
    ] = False,
    dry_run: option.DryRun = False,
    address: SomeAddress = None,
    local: Local = False,
    timeout: option.Patience = 3600.0,
    batch: option.Batch = option.BATCH,
    json: Json = False,
) -> None:
    """Ask judges about MJ-Bench's pairs and images, and say how good they are.

    Interrupted at any point and run again, it goes on where it was.
    """
    where = place(address, local)
    with reported(where):
        option.check_extra()
        from mmjudge.bench.data.mj_bench_reading import read_mj_bench
        from mmjudge.bench.scores.score_files import read_scores
        from mmjudge.cli.bench_asking import evaluate
        from mmjudge.cli.bench_figures import tell_figures

        settings = option.settings_of(recipe, threshold, weighting)
        if scores:
            _check_scores_only(judge, subset, limit)
            tell_figures(read_scores(data), settings, json=json, write=False)
            return
        location = _only(data)
        evaluate(
            "mjbench",
            location,
            read_mj_bench(location, missing=missing.value),
            lambda _: local_client(timeout) if local else Client(where, timeout=timeout),
            judge or (),
            settings,
            subset=subset,
            limit=limit,
            dry_run=dry_run,
            output=output,
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
    for name, value in (("--judge", judge), ("--subset", subset), ("--limit", limit)):
        if value:
            raise typer.BadParameter(
                "chooses what to ask, and --scores asks nobody", param_hint=name
            )
