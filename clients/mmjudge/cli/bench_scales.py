"""`mmjudge bench scales`: one vision-language model asked for ratings on five scales."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from mmjudge.cli.bench_options import (
    BATCH,
    OUTPUT,
    Batch,
    DryRun,
    Limit,
    Missing,
    MissingImages,
    Output,
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
from mmjudge.cli.options import Json, SomeAddress, place
from mmjudge.cli.terminal import reported
from mmjudge.client import Client


def scales(
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="MJ-Bench, as `mmjudge bench mjbench` takes it.")
    ],
    model: Annotated[
        str | None, typer.Option(help="Model to load right here: a folder or a name on the hub.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where --model is loaded.")] = "auto",
    config: Annotated[
        Path | None,
        typer.Option(help="A server's TOML file, of which --backbone is taken.", dir_okay=False),
    ] = None,
    backbone: Annotated[
        str | None, typer.Option(help="Name in --config, of an endpoint for example.")
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option(help="Judges of a server instead: such as qwen-{scale}-{perspective}."),
    ] = None,
    output: Output = OUTPUT,
    subset: Subset = None,
    limit: Limit = None,
    missing: MissingImages = Missing.refuse,
    recipe: RecipeName = Recipe.paper,
    threshold: Threshold = None,
    weighting: PairWeighting = Weighting.records,
    dry_run: DryRun = False,
    address: SomeAddress = None,
    timeout: Patience = 3600.0,
    batch: Batch = BATCH,
    json: Json = False,
) -> None:
    """Ask one model on five scales: 1 to 5, 1 to 10, words for either, and expected ratings.

    Loads the model here, or asks a server that hosts a judge for every scale and perspective.
    """
    name, generator = _generator(model, device, config, backbone, judge)
    where = place(address, False)
    with reported(where):
        check_extra()
        from mmjudge.bench.contenders import perspectives_of
        from mmjudge.bench.mj_bench_reading import read_mj_bench
        from mmjudge.bench.reading import select
        from mmjudge.bench.scale_study import RATED, scale_contenders, scale_judges
        from mmjudge.cli.bench_asking import Questions, evaluate, tell_reading

        reading = read_mj_bench(data, missing=missing.value)
        tell_reading(reading)
        rated = [record for record in reading.records if record.perspective in RATED]
        selected = select(rated, subset or (), limit)
        client: Callable[[], Client] = lambda: Client(where, timeout=timeout)  # noqa: E731
        if generator:
            judges = scale_judges(name, generator, list(perspectives_of(selected)))
            client = lambda: local_client(timeout, judges)  # noqa: E731
        if not dry_run:
            evaluate(
                Questions("mjbench", data, reading, selected),
                client,
                list(scale_contenders(judge or f"{name}-{{scale}}-{{perspective}}")),
                output,
                settings_of(recipe, threshold, weighting),
                batch=batch,
                json=json,
            )


def _generator(
    model: str | None, device: str, config: Path | None, backbone: str | None, judge: str | None
) -> tuple[str, dict[str, Any]]:
    """A name for the model and what a configuration says of it; nothing for judges of a server."""
    chosen = [model is not None, config is not None or backbone is not None, judge is not None]
    if sum(chosen) != 1 or (config is None) != (backbone is None):
        raise typer.BadParameter(
            "expected one of --model, --config with --backbone, and --judge with {scale} and "
            "{perspective}"
        )
    if model is not None:
        return Path(model).name, {"model": model, "device": device}
    if config is None or backbone is None:
        return "", {}
    with reported():
        try:
            tables = tomllib.loads(config.read_text(encoding="utf-8")).get("backbones", {})
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"{config}: {error}") from error
        if backbone not in tables:
            named = ", ".join(tables) or "none"
            raise ValueError(f"{config}: there is no [backbones.{backbone}]; there is {named}")
    return backbone, tables[backbone]
