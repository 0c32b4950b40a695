import re
from dataclasses import replace
from html.parser import HTMLParser
from json import loads

import pytest
from tests.bench.report.conftest import OPTIONS
from tests.bench.report.sample_results import HOSTILE, sample_pictures

from mmjudge.bench.metrics.significance import Comparison
from mmjudge.bench.report.evaluation import Evaluation, Options
from mmjudge.bench.report.page import html_report
from mmjudge.bench.report.published import published

VOID = {"meta", "img", "input", "br"}


class Outline(HTMLParser):
    """Tables with their captions and cells; checks that every tag is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tables: list[tuple[str, list[list[str]]]] = []
        self.texts: list[str] = []
        self.scripts = 0
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append(("", []))
        elif tag == "tr":
            self.tables[-1][1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][1][-1].append("")
        self.scripts += tag == "script"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open or "style" in self.open:
            return
        self.texts.append(data)
        if "caption" in self.open:
            caption, rows = self.tables[-1]
            self.tables[-1] = (caption + data, rows)
        elif "td" in self.open or "th" in self.open:
            self.tables[-1][1][-1][-1] += data.strip()

    def named(self, caption: str) -> list[list[list[str]]]:
        return [rows for name, rows in self.tables if name.startswith(caption)]


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_contenders_of_unlike_recipes_are_in_different_tables(outline: Outline) -> None:
    first, second = outline.named("MJ-Bench, percent")
    heads = [{row[0] for row in rows[2:]} for rows in (first, second)]
    assert heads[0] >= {"clip", "guess"}
    assert heads[1] == {"qwen-{perspective}"}


def test_a_row_shows_its_values_and_what_was_not_judged(
    outline: Outline, mj_bench: list[Evaluation]
) -> None:
    clip = mj_bench[0]
    (row,) = [row for row in outline.named("MJ-Bench, percent")[0] if row[0] == "clip"]
    overall = clip.figures[0].estimate
    assert overall is not None
    assert row[1] == f"{overall.value:.1f}{overall.low:.1f}–{overall.high:.1f}"
    assert row[-2:] == [f"{clip.abstained}of 314", f"{clip.failed}of 314"]
    assert clip.abstained == clip.failed == 11


def test_the_published_rows_are_in_a_table_of_their_own_and_marked(outline: Outline) -> None:
    (rows,) = outline.named("Published, recipes mixed or unknown")
    judges = [row[0] for row in rows[2:]]
    assert len(judges) == 21
    assert "CLIP-v1†3" in judges
    assert "clip" not in judges
    (pickscore,) = [row for row in rows if row[0] == "PickScore"]
    assert pickscore[-3:] == ["31.0†2", "66.5†2", "81.1†2"]


def test_every_known_defect_is_explained(outline: Outline) -> None:
    said = "".join(outline.texts)
    assert all(defect in said for defect in published().defects)


def test_what_is_not_ours_is_escaped(page: str, outline: Outline) -> None:
    said = "".join(outline.texts)
    assert HOSTILE in said
    assert "Judges & <co>" in said
    assert HOSTILE not in page
    assert "<i>zebra" not in page
    assert outline.scripts == 2


def test_pictures_are_in_the_page_once_each(page: str) -> None:
    found = re.search(r'<script type="application/json" id="pictures">(.*?)</script>', page)
    assert found
    pictures = loads(found[1])
    assert len(pictures) == len(set(pictures)) > 8
    assert all(uri.startswith("data:image/jpeg;base64,") for uri in pictures)
    places = {int(place) for place in re.findall(r'data-picture="(\d+)"', page)}
    assert places == set(range(len(pictures)))


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.search(r"""\s(src|srcset|action|data)\s*=\s*["']""", page)
    assert all(link.startswith("#") for link in re.findall(r'href="(.*?)"', page))
    assert not re.search(r"https?://|//cdn|@import|url\(", page)


def test_the_page_is_the_same_again(
    page: str, evaluations: list[Evaluation], comparisons: list[Comparison]
) -> None:
    assert html_report(evaluations, comparisons, sample_pictures(), OPTIONS) == page


def test_it_says_who_was_evaluated_and_on_what(outline: Outline) -> None:
    said = " ".join(outline.texts)
    assert "data/mjbench" in said
    assert "qwen-safety" in said
    assert "Grades correlate weakly with people's." in said


def test_fingerprints_are_short_and_whole_on_hover(page: str, mj_bench: list[Evaluation]) -> None:
    fingerprint = mj_bench[0].results.header.judges["safety"].fingerprint
    assert f'<code title="{fingerprint}">{fingerprint[:12]}</code>' in page


def test_incomparable_contenders_are_told_with_the_reason(outline: Outline) -> None:
    assert any("recipes differ" in text for text in outline.texts)


def test_pictures_of_safety_alone_are_veiled(page: str) -> None:
    cards = page.split('<article class="card"')[1:]
    veiled = {
        re.search(r'data-perspective="(\w*)"', card)[1]  # type: ignore[index]
        for card in cards
        if "frame veiled" in card
    }
    assert veiled == {"safety"}


def test_a_chart_never_mixes_recipes(page: str) -> None:
    alignment = re.findall(r'aria-label="alignment: accuracy with ties">(.*?)</svg>', page)
    assert alignment
    assert not any("clip:" in chart and "qwen-{perspective}:" in chart for chart in alignment)
    charts = re.findall(r'aria-label="bias: ACC">(.*?)</svg>', page)
    (bias,) = (chart for chart in charts if "published" in chart)
    assert "clip:" in bias and "qwen-{perspective}:" in bias


def test_a_section_that_nothing_is_known_for_is_left_out(mj_bench: list[Evaluation]) -> None:
    page = html_report(mj_bench[:1], [], lambda name: None)
    ids = set(re.findall(r'<h2 id="(\w+)"', page))
    assert ids == {"evaluated", "leaderboard", "published", "charts", "bias", "failures"}
    assert page.count("The image is not at hand") == page.count('class="missing"') > 0


def test_a_report_on_nothing_at_all_is_still_a_page() -> None:
    assert "0 contenders" in html_report([], [], lambda name: None)


def test_undefined_figures_say_why(mj_bench: list[Evaluation]) -> None:
    clip = mj_bench[0]
    figures = [
        replace(figure, estimate=None, why="all scores are equal")
        if figure.metric == "NDS"
        else figure
        for figure in clip.figures
    ]
    page = html_report([replace(clip, figures=figures)], [], lambda name: None)
    assert "Undefined: bias NDS of clip, as all scores are equal." in page


def test_a_negative_number_of_failures_is_refused() -> None:
    with pytest.raises(ValueError, match="failures: -1, expected 0 or more"):
        Options(failures=-1)
