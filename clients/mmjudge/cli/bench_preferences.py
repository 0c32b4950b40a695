"""`mmjudge bench preferences`: whether judges prefer what POVID, CSR or SIMA data prefers."""

from pathlib import Path
from typing import Annotated

import typer

from mmjudge.cli import bench_options as option
from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json
from mmjudge.cli.terminal import reported
from mmjudge.client import Client


def preferences(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="JSON of chosen and rejected answers.", exists=True, dir_okay=False
        ),
    ],
    judge: option.Judges = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images; the file's own, if none is named.")
    ] = None,
    output: option.Output = option.OUTPUT,
    limit: option.Limit = None,
    missing: option.MissingImages = option.Missing.refuse,
    orders: option.PairOrders = option.Orders.both,
    recipe: option.RecipeName = option.Recipe.raw,
    threshold: option.Threshold = None,
    dry_run: option.DryRun = False,
    address: Address = DEFAULT_ADDRESS,
    timeout: option.Patience = 3600.0,
    batch: option.Batch = option.BATCH,
    json: Json = False,
) -> None:
    """Ask judges which of two answers about an image is better, and count the chosen ones.

    Interrupted at any point and run again, it goes on where it was.
    """
    with reported(address):
        option.check_extra()
        from mmjudge.bench.data.preference_reading import read_preferences
        from mmjudge.cli.bench_asking import evaluate

        evaluate(
            "preferences",
            str(data),
            read_preferences(data, images, missing=missing.value),
            lambda _: Client(address, timeout=timeout),
            judge or (),
            option.settings_of(recipe, threshold, option.Weighting.records),
            subset=None,
            limit=limit,
            dry_run=dry_run,
            output=output,
            orders=orders.value,
            batch=batch,
            json=json,
        )
