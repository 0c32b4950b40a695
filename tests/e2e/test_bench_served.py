"""Evaluations from a data set to a report, through a server, as a user types them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.bench.conftest import tables_cache  # noqa: F401 - a fixture
from tests.bench.miniatures import (
    miniature_preferences,
    miniature_repository,
    miniature_v1,
    miniature_v1_parquet,
    miniature_v2,
)
from tests.bench.mmie_miniature import mmie_miniature
from tests.cli.conftest import Result, Run, run  # noqa: F401 - a fixture
from tests.e2e.live_server import LiveServer, live
from tests.e2e.seeing_model import answer
from tests.e2e.test_vlm_served import bent_on_digits
from tests.judges.chat_server import ChatServer, chat_server
from tests.judges.tiny_generators import WRITERS

from mmjudge.bench.results import read_results
from mmjudge.bench.scale_study import RATED, SCALES, scale_judges
from mmjudge.cli.terminal import ExitStatus

pytestmark = pytest.mark.usefixtures("tables_cache")

GRADING = """
images = "single"
needs = ["candidate text"]
readout = "rating"
labels = ["GRADE"]
text = "{prompt} {candidate} GRADE: {scale}"
[scale]
low = 0
high = 6
"""


@asynccontextmanager
async def hosted(folder: Path) -> AsyncIterator[tuple[LiveServer, ChatServer]]:
    """photo-lite, and a model behind an endpoint: by perspective and scale, pairs, grades."""
    (folder / "grading.toml").write_text(GRADING)
    async with chat_server() as endpoint:
        endpoint.answer = answer
        generator = {"model": "sees", "endpoint": endpoint.url, "retries": 0, "concurrency": 8}
        vlm = {"kind": "vlm", **generator}
        pairs = {
            f"pairs-{perspective}": {**vlm, "template": f"{perspective}-pair-numeric-10"}
            for perspective in ("alignment", "safety", "quality")
        }
        others = {
            "pairs-bias": {**vlm, "template": "bias-single-numeric-10"},
            "faithful": {**vlm, "template": "caption-faithfulness"},
            "grades": {**vlm, "template": str(folder / "grading.toml")},
        }
        judges = {**scale_judges("sees", generator, RATED), **pairs, **others}
        async with live(**judges) as server:
            yield server, endpoint


Typed = Callable[..., "asyncio.Future[Result]"]


@pytest.fixture
def typed(run: Run, tmp_path: Path) -> Typed:  # noqa: F811
    """Run `mmjudge` beside the event loop; results go to a folder of the test."""

    def typed(*arguments: Any) -> Any:
        return asyncio.to_thread(run, *map(str, arguments))

    return typed


def figures(path: Path) -> dict[tuple[str, str, str], dict[str, Any]]:
    lines = path.read_text().splitlines()
    tables = [json.loads(line) for line in lines]
    return {(t["metric"], t["perspective"], t["subcategory"]): t for t in tables}


@pytest.mark.parametrize(
    "make", [miniature_v1, miniature_v1_parquet, miniature_v2, miniature_repository]
)
async def test_every_form_of_mj_bench_is_read_asked_and_counted(
    make: Callable[[Path], Path], tmp_path: Path, typed: Typed
) -> None:
    data, out = make(tmp_path), tmp_path / "out"
    async with live() as server:
        ask = ["bench", "mjbench", data, "--address", server.server.address, "--output", out]
        told = await typed(*ask, "--dry-run")
        first = await typed(*ask)
        rows = (out / "photo-lite.jsonl").read_bytes()
        again = await typed(*ask)
    assert (told.status, first.status, again.status) == (0, 0, 0), first.err
    (line,) = [line for line in told.err.splitlines() if " records of " in line]
    count = int(line.split()[0])
    results = read_results(out / "photo-lite.jsonl")
    assert len(results.rows) == count >= 32
    assert {row.perspective for row in results.rows} >= {"alignment", "safety", "quality", "bias"}
    assert all(row.given.judged for row in results.rows)
    assert f"photo-lite: {count} judged, 0 abstained, 0 failed" in first.err
    assert f"0 judged, 0 abstained, 0 failed, {count} answered before" in again.err
    assert (out / "photo-lite.jsonl").read_bytes() == rows
    found = figures(out / "photo-lite.figures.jsonl")
    assert found["overall", "overall", ""]["estimate"] is not None
    for perspective in ("alignment", "safety", "quality"):
        least = found["accuracy without ties", perspective, ""]["estimate"]["value"]
        assert least >= found["accuracy with ties", perspective, ""]["estimate"]["value"]


async def test_a_judge_that_prefers_the_first_is_found_out_and_many_share_an_upload(
    tmp_path: Path, typed: Typed
) -> None:
    data, out = miniature_repository(tmp_path), tmp_path / "out"
    page = tmp_path / "page.html"
    async with hosted(tmp_path) as (server, endpoint):
        judges = ["--judge", "pairs-{perspective}", "--judge", "photo-lite"]
        before = len(endpoint.requests)  # each judge was tried when it was loaded
        ended = await typed(
            "bench", "mjbench", data, *judges, "--address", server.server.address, "--output", out
        )
        assert ended.status == 0, ended.err
        asked = len(endpoint.requests) - before
    rows = read_results(out / "pairs-{perspective}.jsonl").rows
    both = [row for row in rows if row.kind == "pair"]
    assert all(row.swapped for row in both)
    # Equal questions in flight are one: a few pairs show the same two pictures in turn.
    assert 1.8 * len(both) < asked <= 2 * len(both) + sum(row.kind == "bias" for row in rows)
    assert not any(row.swapped for row in read_results(out / "photo-lite.jsonl").rows)
    found = figures(out / "pairs-{perspective}.figures.jsonl")
    # Captions do not change what is sharp: of swapped captions' pairs the first shown wins.
    assert found["position bias", "alignment", ""]["estimate"]["value"] > 0
    assert found["accuracy with ties", "quality", "blur/motion"]["estimate"]["value"] > 60
    assert found["accuracy with ties", "quality", ""]["recipe"]["orders"] == "both"
    written = await typed("report", out, "--output", page)
    assert written.status == 0, written.err
    html = page.read_text()
    assert "pairs-{perspective}" in html and "data:image/jpeg;base64," in html
    assert "the edges say so" in html
    for suffix in (".md", ".csv"):
        assert "position bias" in page.with_suffix(suffix).read_text()


async def test_a_study_of_scales_asks_one_model_five_ways(tmp_path: Path, typed: Typed) -> None:
    data, out = miniature_repository(tmp_path), tmp_path / "out"
    async with hosted(tmp_path) as (server, endpoint):
        at_server = await typed(
            "bench", "scales", data, "--judge", "sees-{scale}-{perspective}", "--limit", 4,
            "--address", server.server.address, "--output", out,
        )  # fmt: skip
        assert at_server.status == 0, at_server.err
        config = tmp_path / "server.toml"
        config.write_text(f'[backbones.sees]\nmodel = "sees"\nendpoint = "{endpoint.url}"\n')
        here = await typed(
            "bench", "scales", data, "--config", config, "--backbone", "sees", "--limit", 4,
            "--output", tmp_path / "here",
        )  # fmt: skip
        assert here.status == 0, here.err
    for scale in SCALES:
        name = f"sees-{scale}-{{perspective}}.jsonl"
        rows = read_results(out / name).rows
        assert len(rows) == 16 and all(row.given.judged for row in rows)
        values = [value for row in rows for value in row.given.values]
        assert min(values) >= 1 and max(values) <= (10 if scale.endswith("10") else 5)
        assert scale == "expected-5" or all(value == int(value) for value in values)
        assert rows == read_results(tmp_path / "here" / name).rows
    page = tmp_path / "page.html"
    assert (await typed("report", out, "--output", page)).status == 0
    assert "likert-10" in page.read_text()


async def test_a_study_of_scales_loads_its_model_right_here(tmp_path: Path, typed: Typed) -> None:
    data, model, out = miniature_repository(tmp_path), tmp_path / "tiny", tmp_path / "out"
    model.mkdir()
    WRITERS["qwen2_5_vl"](model)
    bent_on_digits(model)
    config = json.loads((model / "config.json").read_text())
    config["text_config"]["max_position_embeddings"] = 4096  # whole questions, and long answers
    (model / "config.json").write_text(json.dumps(config))
    ended = await typed(
        "bench", "scales", data, "--model", model, "--device", "cpu", "--subset", "safety",
        "--limit", 1, "--output", out,
    )  # fmt: skip
    assert ended.status == 0, ended.err
    for scale in SCALES:
        (row,) = read_results(out / f"tiny-{scale}-{{perspective}}.jsonl").rows
        # It writes digits without an end: no rating in words, and a likeliest one.
        assert row.given.judged == (scale == "expected-5")
        assert row.given.abstained in ("", "CUT_SHORT")


async def test_mmie_is_graded_and_held_against_people(tmp_path: Path, typed: Typed) -> None:
    data, out = mmie_miniature(tmp_path), tmp_path / "out"
    async with hosted(tmp_path) as (server, _):
        ask = ["bench", "mmie", data, "--address", server.server.address, "--output", out]
        wrong = await typed(*ask, "--judge", "photo-lite")
        ended = await typed(*ask, "--judge", "grades")
    assert wrong.status == ExitStatus.MISTAKE and "MMIE's grades are from 0 to 6" in wrong.err
    assert ended.status == 0, ended.err
    rows = read_results(out / "grades.jsonl").rows
    found = figures(out / "grades.figures.jsonl")
    mean = found["mean", "overall", ""]
    graded = [row.given.values[0] for row in rows if row.given.judged]
    assert mean["n"] == len(graded) and mean["recipe"]["asked"] == len(rows)
    assert mean["estimate"]["value"] == pytest.approx(sum(graded) / len(graded))
    assert {perspective for _, perspective, _ in found} >= {"overall", "SA", "PBL", "MSR"}
    assert ("agreement: MAE", "overall", "") in found
    page = tmp_path / "page.html"
    assert (await typed("report", out, "--output", page)).status == 0
    assert "MMIE" in page.read_text()


async def test_preference_data_is_held_against_a_judge_of_texts(
    tmp_path: Path, typed: Typed
) -> None:
    data, out = miniature_preferences(tmp_path), tmp_path / "out"
    async with hosted(tmp_path) as (server, _):
        ended = await typed(
            "bench", "preferences", data, "--judge", "faithful", "--address",
            server.server.address, "--output", out,
        )  # fmt: skip
    assert ended.status == 0, ended.err
    rows = read_results(out / "faithful.jsonl").rows
    assert rows and all(len(row.texts) == 2 for row in rows)
    found = figures(out / "faithful.figures.jsonl")
    assert found["accuracy with ties", "preference", ""]["recipe"]["normalisation"] == "none"
