"""`mmjudge bench scales`: one vision-language model asked for ratings on five scales."""

import tomllib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmjudge.cli import bench_options as option
from mmjudge.cli.local_judges import local_client
from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json
from mmjudge.cli.terminal import reported
from mmjudge.client import Client

if TYPE_CHECKING:
    from mmjudge.bench.records import Record


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
    output: option.Output = option.OUTPUT,
    subset: option.Subset = None,
    limit: option.Limit = None,
    missing: option.MissingImages = option.Missing.refuse,
    recipe: option.RecipeName = option.Recipe.paper,
    threshold: option.Threshold = None,
    weighting: option.PairWeighting = option.Weighting.records,
    dry_run: option.DryRun = False,
    address: Address = DEFAULT_ADDRESS,
    timeout: option.Patience = 3600.0,
    batch: option.Batch = option.BATCH,
    json: Json = False,
) -> None:
    """Ask one model on five scales: 1 to 5, 1 to 10, words for either, and expected ratings.

    Loads the model here, or asks a server that hosts a judge for every scale and perspective.
    """
    name, generator = _generator(model, device, config, backbone, judge)
    with reported(address):
        option.check_extra()
        from mmjudge.bench.asking.contenders import perspectives_of
        from mmjudge.bench.data.mj_bench_reading import read_mj_bench
        from mmjudge.bench.scale_study import RATED, scale_contenders, scale_judges
        from mmjudge.cli.bench_asking import evaluate

        reading = read_mj_bench(data, missing=missing.value)
        rated = tuple(one for one in reading.records if one.perspective in RATED)

        def client(records: Sequence["Record"]) -> Client:
            if not generator:
                return Client(address, timeout=timeout)
            judges = scale_judges(name, generator, list(perspectives_of(records)))
            return local_client(timeout, judges)

        evaluate(
            "mjbench",
            data,
            replace(reading, records=rated),
            client,
            list(scale_contenders(judge or f"{name}-{{scale}}-{{perspective}}")),
            option.settings_of(recipe, threshold, weighting),
            subset=subset,
            limit=limit,
            dry_run=dry_run,
            output=output,
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
