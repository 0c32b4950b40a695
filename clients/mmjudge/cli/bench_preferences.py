"""`mmjudge bench preferences`: whether judges prefer what POVID, CSR or SIMA data prefers."""

from pathlib import Path
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
    Patience,
    Recipe,
    RecipeName,
    Threshold,
    Weighting,
    check_extra,
    settings_of,
)
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
    judge: Judges = None,
    images: Annotated[
        Path | None, typer.Option(help="Folder of the images; the file's own, if none is named.")
    ] = None,
    output: Output = OUTPUT,
    limit: Limit = None,
    missing: MissingImages = Missing.refuse,
    orders: PairOrders = Orders.both,
    recipe: RecipeName = Recipe.raw,
    threshold: Threshold = None,
    dry_run: DryRun = False,
    address: Address = DEFAULT_ADDRESS,
    timeout: Patience = 3600.0,
    batch: Batch = BATCH,
    json: Json = False,
) -> None:
    """Ask judges which of two answers about an image is better, and count the chosen ones.

    Interrupted at any point and run again, it goes on where it was.
    """
    with reported(address):
        check_extra()
        from mmjudge.bench.preference_reading import read_preferences
        from mmjudge.bench.reading import select
        from mmjudge.cli.bench_asking import Questions, evaluate, tell_reading

        reading = read_preferences(data, images, missing=missing.value)
        tell_reading(reading)
        selected = select(reading.records, (), limit)
        if not dry_run:
            evaluate(
                Questions("preferences", str(data), reading, selected),
                lambda: Client(address, timeout=timeout),
                judge or (),
                output,
                settings_of(recipe, threshold, Weighting.records),
                orders=orders.value,
                batch=batch,
                json=json,
            )
