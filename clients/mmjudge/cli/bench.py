"""The commands under `mmjudge bench`."""

import typer

from mmjudge.cli.bench_mj_bench import mjbench
from mmjudge.cli.bench_mmie import mmie
from mmjudge.cli.bench_preferences import preferences
from mmjudge.cli.bench_scales import scales

bench = typer.Typer(
    no_args_is_help=True, help="Is this judge any good? MJ-Bench, MMIE, preferences."
)
for command in (mjbench, mmie, preferences, scales):
    bench.command()(command)
