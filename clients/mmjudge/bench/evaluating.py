"""From results to figures, whichever benchmark they are of."""

from json import dumps
from pathlib import Path

from mmjudge.bench.figures import figure_table
from mmjudge.bench.metrics.agreement import agreement_figures
from mmjudge.bench.metrics.mj_bench_figures import mj_bench_figures
from mmjudge.bench.metrics.mj_bench_settings import MjBenchSettings
from mmjudge.bench.metrics.mmie_figures import mmie_figures
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.results import Results


def evaluated(results: Results, settings: MjBenchSettings) -> Evaluation:
    """The results with all figures of their benchmark; `settings` are of pairs and bias."""
    if results.header.benchmark == "mmie":
        return Evaluation(results, (*mmie_figures(results), *agreement_figures(results)))
    return Evaluation(results, tuple(mj_bench_figures(results, settings)))


def write_figures(path: Path, evaluation: Evaluation) -> None:
    """Write the figures as JSON lines, each with its recipe, counts and fingerprints."""
    lines = [dumps(figure_table(figure)) for figure in evaluation.figures]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
