"""`mmjudge report`: results of `mmjudge bench` as a page, as Markdown and as a table."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from mmjudge.cli.bench_options import (
    PairWeighting,
    Recipe,
    RecipeName,
    Threshold,
    Weighting,
    check_extra,
    settings_of,
)
from mmjudge.cli.terminal import err, out, reported


def report(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS...",
            help="Files of results, or folders of them; with --scores, files of scores.",
            exists=True,
        ),
    ],
    output: Annotated[
        Path, typer.Option(help="Page of HTML to write; .md and .csv go beside it.", dir_okay=False)
    ] = Path("mmjudge-report.html"),
    data: Annotated[
        str | None,
        typer.Option(help="Data set to take pictures from; where the results say, if not named."),
    ] = None,
    scores: Annotated[
        bool, typer.Option("--scores", help="RESULTS are scores computed elsewhere.")
    ] = False,
    title: Annotated[str, typer.Option(help="The report's title.")] = "Evaluation of judges",
    failures: Annotated[
        int, typer.Option(help="So many failures a judge are shown with their images.", min=0)
    ] = 40,
    recipe: RecipeName = Recipe.paper,
    threshold: Threshold = None,
    weighting: PairWeighting = Weighting.records,
) -> None:
    """Write one page of HTML that needs no network, the same as Markdown, and a table as CSV.

    Shows a leaderboard against the published figures, charts, bias by group, and the pairs that
    judges got most wrong.
    """
    with reported():
        check_extra()
        from mmjudge.bench.data.pictures_at_hand import pictures_at_hand
        from mmjudge.bench.evaluating import evaluated
        from mmjudge.bench.metrics.significance import compare_all
        from mmjudge.bench.report.evaluation import Options
        from mmjudge.bench.report.markdown import markdown_report
        from mmjudge.bench.report.page import html_report
        from mmjudge.bench.report.table_csv import csv_report
        from mmjudge.bench.results import read_results
        from mmjudge.bench.scale_study import scales_of
        from mmjudge.bench.scores.score_files import read_scores

        _check_output(output)
        settings = settings_of(recipe, threshold, weighting)
        if scores:
            read = read_scores([str(path) for path in results])
        else:
            read = [read_results(path) for path in _files(results)]
        _tell_torn([one.path for one in read if not scores and one.torn])
        evaluations = [evaluated(one, settings) for one in read]
        names = [one.name for one in evaluations]
        comparisons = compare_all(read, settings)
        pictures, trouble = pictures_at_hand([one.header for one in read], data)
        for where, why in trouble.items():
            err.print(Text(f"no pictures of {where}: {why}"), soft_wrap=True)
        options = Options(title, failures, settings, scales_of(names))
        page = html_report(evaluations, comparisons, pictures, options)
        written = {
            output: page,
            output.with_suffix(".md"): markdown_report(evaluations, comparisons, options),
            output.with_suffix(".csv"): csv_report(evaluations),
        }
        for path, text in written.items():
            # Half a surrogate pair in somebody's JSON is not worth a report.
            path.write_text(text, encoding="utf-8", errors="replace")
    out.print(Text(f"wrote {', '.join(map(str, written))}"), soft_wrap=True)


def _files(paths: list[Path]) -> list[Path]:
    """The files named, and those of results in the folders named, by name."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        kept = [file for file in inside if not file.name.endswith(".figures.jsonl")]
        if not kept:
            raise ValueError(f"{path}: no results in it, expected files that end in .jsonl")
        found += kept
    return found


def _tell_torn(paths: list[Path]) -> None:
    for path in paths:
        message = f"{path}: half a line at the end was left out; its run has not ended"
        err.print(Text(message), soft_wrap=True)


def _check_output(output: Path) -> None:
    # Before the work, which it would be a pity to lose.
    if not output.parent.is_dir():
        message = f"{output}: there is no folder {output.parent}"
        raise typer.BadParameter(message, param_hint="--output")
    if output.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(
            f"{output}: expected the name of a page, such as {output.with_suffix('.html').name}",
            param_hint="--output",
        )
