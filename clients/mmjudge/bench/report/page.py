"""A report as one page of HTML that needs no network."""

from collections.abc import Sequence
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined

from mmjudge.bench.metrics.significance import Comparison
from mmjudge.bench.report import numbers
from mmjudge.bench.report.cards import SIGNS, card
from mmjudge.bench.report.charts import symbol
from mmjudge.bench.report.contents import contents
from mmjudge.bench.report.evaluation import Evaluation, Options, Pictures
from mmjudge.bench.report.failures import worst
from mmjudge.bench.report.leaderboard import best, ranked
from mmjudge.bench.report.page_charts import charts
from mmjudge.bench.report.panels import legend
from mmjudge.bench.report.published import COLUMNS, published
from mmjudge.bench.report.thumbnails import Thumbnails


def html_report(
    evaluations: Sequence[Evaluation],
    comparisons: Sequence[Comparison],
    pictures: Pictures,
    options: Options | None = None,
) -> str:
    """Return the page: the same for the same arguments, without a date or a path of its own.

    evaluations: in the order in which they are told about. comparisons: as `compare_all` gives
    them. pictures: asked for those of the failures shown. Raises ValueError for rows that are no
    answers of the judges that their header names.
    """
    options = options or Options()
    shown = [worst(each.results, options.settings.pairs, options.failures) for each in evaluations]
    thumbnails = Thumbnails(pictures)
    cards = [card(failure, thumbnails) for found in shown for failure in found.failures]
    series = _series(evaluations, options)
    paper = published()
    template = _environment().get_template("page.html")
    return template.render(
        options=options,
        evaluations=evaluations,
        contents=contents(evaluations),
        paper=paper,
        paper_columns=COLUMNS,
        charts=charts(evaluations, paper, series.__getitem__, options),
        series=series,
        comparisons=comparisons,
        data=_data(evaluations),
        cautions=dict.fromkeys(told for each in evaluations for told in each.cautions),
        cards=cards,
        shown=list(zip(evaluations, shown, strict=True)),
        signs=SIGNS,
        pictures=thumbnails.uris,
    )


def _series(evaluations: Sequence[Evaluation], options: Options) -> dict[str, int]:
    """Contenders of the general charts first, so that they have the plainest marks."""
    names = dict.fromkeys(each.name for each in evaluations)
    ordered = sorted(names, key=lambda name: name in options.scales)
    return {name: place for place, name in enumerate(ordered)}


def _data(evaluations: Sequence[Evaluation]) -> dict[tuple[str, str, str], list[str]]:
    """Benchmark, location and digest of each data set, and the contenders it was put before."""
    data = dict[tuple[str, str, str], list[str]]()
    for each in evaluations:
        header = each.results.header
        data.setdefault((header.benchmark, header.location, header.digest), []).append(each.name)
    return data


def _environment() -> Environment:
    folder = files("mmjudge.bench.report")
    environment = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        apart=numbers.apart,
        by_perspective=numbers.by_perspective,
        column_names=numbers.column_names,
        ends=numbers.ends,
        figure_name=numbers.figure_name,
        metric_name=numbers.metric_name,
        number=numbers.number,
        probability=numbers.probability,
        symbol=symbol,
        told=numbers.told,
    )
    environment.globals.update(best=best, legend=legend, ranked=ranked, orders=numbers.ORDERS)
    return environment
