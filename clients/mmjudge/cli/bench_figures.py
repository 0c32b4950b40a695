"""What `mmjudge bench` ends with: figures, in files and on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.text import Text

from mmjudge.bench.evaluating import evaluated, write_figures
from mmjudge.bench.figures import figure_table
from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.results import Results
from mmjudge.cli.figure_tables import print_evaluations
from mmjudge.cli.terminal import err, print_json


def tell_figures(
    results: Sequence[Results], settings: MjBenchSettings, *, json: bool, write: bool = True
) -> None:
    """Compute all figures, write them beside the results, and print them."""
    evaluations = [evaluated(one, settings) for one in results]
    for one in evaluations:
        if write:
            write_figures(_figures_path(one), one)
        if json:
            _print_json(one)
    if not json:
        print_evaluations(evaluations)
        if write:
            told = ", ".join(str(_figures_path(one)) for one in evaluations)
            err.print(Text(f"figures with their recipes: {told}"), soft_wrap=True)


def _figures_path(evaluation: Evaluation) -> Path:
    return evaluation.results.path.with_suffix(".figures.jsonl")


def _print_json(evaluation: Evaluation) -> None:
    for figure in evaluation.figures:
        print_json({"contender": evaluation.name, **figure_table(figure)})
