import re
from dataclasses import replace

from tests.bench.report.conftest import OPTIONS

from mmjudge.bench.metrics.significance import Comparison
from mmjudge.bench.report.contents import contents
from mmjudge.bench.report.evaluation import Evaluation
from mmjudge.bench.report.markdown import markdown_report
from mmjudge.bench.report.numbers import ends, number


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text, by rows of cells, unescaped."""
    found: list[list[list[str]]] = []
    for before, line in zip(["", *text.split("\n")], text.split("\n"), strict=False):
        if not line.startswith("|"):
            continue
        if not before.startswith("|"):
            found.append([])
        cells = re.split(r"(?<!\\)\|", line)[1:-1]
        found[-1].append([re.sub(r"\\(.)", r"\1", cell.strip()) for cell in cells])
    return found


def test_every_value_of_the_leaderboards_is_in_a_table(
    evaluations: list[Evaluation], comparisons: list[Comparison]
) -> None:
    read = tables(markdown_report(evaluations, comparisons, OPTIONS))
    assert all(len(row) == len(table[0]) for table in read for row in table)
    for table, rows in zip(contents(evaluations).leaderboards, read[1:], strict=False):
        cells = {row[0]: row[1:] for row in rows[2:]}
        for row in table.rows:
            evaluation = row.evaluation
            expected = [
                f"{number(figure.estimate.value, '%')} ({ends(figure.estimate, '%')})"
                for figure in row.figures
                if figure is not None and figure.estimate is not None
            ]
            lost = [str(evaluation.abstained), str(evaluation.failed)]
            assert cells[evaluation.name] == [*expected, *lost]


def test_unlike_recipes_are_in_different_tables(mj_bench: list[Evaluation]) -> None:
    read = tables(markdown_report(mj_bench, []))
    assert [[row[0] for row in rows[2:]] for rows in read[1:3]] == [
        ["clip", "guess"],
        ["qwen-{perspective}"],
    ]


def test_published_rows_are_marked_and_by_themselves(mj_bench: list[Evaluation]) -> None:
    text = markdown_report(mj_bench, [])
    section = text.split("## Published, recipes mixed or unknown")[1].split("\n## ")[0]
    (rows,) = tables(section)
    assert len(rows) == 23
    assert ["Qwen-VL-Chat", "40.0", "52.1†1"] == next(
        row[:3] for row in rows if row[0] == "Qwen-VL-Chat"
    )
    assert "Not to be compared" in section


def test_a_name_cannot_break_a_table(mj_bench: list[Evaluation]) -> None:
    clip = mj_bench[0]
    name = "a | b\n\\ *c* <script>"
    header = replace(clip.results.header, contender=name)
    renamed = replace(clip, results=replace(clip.results, header=header))
    text = markdown_report([renamed], [])
    assert "<script>" not in text.replace("\\<script", "")
    assert tables(text)[0][2][0] == "a | b \\ *c* <script>"


def test_comparisons_and_what_cannot_be_compared_are_told(
    mj_bench: list[Evaluation], comparisons: list[Comparison]
) -> None:
    section = markdown_report(mj_bench, comparisons).split("## Significance")[1]
    compared = [each for each in comparisons if each.difference is not None]
    assert len(tables(section)[0]) == 2 + len(compared)
    assert section.count("Not compared: ") == len(comparisons) - len(compared) > 0
