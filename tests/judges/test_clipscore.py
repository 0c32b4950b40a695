"""CLIPScore and RefCLIPScore of judge `clip`, as jmhessel/clipscore computes them."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.judges.golden_models import (
    company,
    kind,
    picture,
    refusal,
    values,
    verdicts,
    write_clipscore,
)
from tests.judges.media import refuses_other_media
from tests.judges.test_clip import (
    COLOURS,
    GREEN,
    PURPLE,
    RED,
    ColourTower,
    clip,
    fingerprint_of,
    item,
    judged,
)

from mmjudge.client import LocalClient
from mmjudge.contract.errors import ItemError
from mmjudge.contract.info import Input
from mmjudge.contract.items import Ask, Candidate, Item, Part
from mmjudge.contract.verdicts import Score
from mmjudge.judges.clip import refclipscore


@pytest.fixture(scope="module")
def recorded(goldens: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((goldens / "clipscore/expected.json").read_text())
    return found


@pytest.fixture(scope="module")
def client(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    folder = write_clipscore(goldens, tmp_path_factory.mktemp("clipscore"))
    model = {"kind": kind("clip"), "model": f"local-dir:{folder}", "long_text": "truncate"}
    judges = {score: model | {"score": score} for score in ("cosine", "clipscore", "refclipscore")}
    judges["plain"] = judges["clipscore"] | {"template": "{text}"}
    with LocalClient(judges) as it:
        yield it


def items(goldens: Path, recorded: dict[str, Any]) -> list[Item]:
    return [
        Item(
            [picture(goldens, case["image"])],
            [Candidate([case["candidate"]])],
            [[reference] for reference in case["references"]],
        )
        for case in recorded["cases"]
    ]


@pytest.mark.parametrize("score", ["clipscore", "refclipscore"])
def test_published_numbers(
    goldens: Path, recorded: dict[str, Any], client: LocalClient, score: str
) -> None:
    expected = np.load(goldens / "clipscore/expected.npz")
    found = company(client, score, items(goldens, recorded))[:, 0]
    np.testing.assert_allclose(found, expected[score], rtol=0, atol=1e-5)
    np.testing.assert_allclose(found, expected[f"{score}_fp64"], rtol=0, atol=1e-5)


def test_the_parts_are_told(goldens: Path, recorded: dict[str, Any], client: LocalClient) -> None:
    asked = items(goldens, recorded)
    for verdict, case in zip(
        verdicts(client, "refclipscore", asked), recorded["cases"], strict=True
    ):
        assert verdict.judgement is not None
        (score,) = verdict.judgement.scores
        assert score.by_criterion == pytest.approx(
            {
                "cosine": case["cosine"],
                "clipscore": case["clipscore"],
                "reference_cosine": case["ref_max_cosine"],
            },
            abs=1e-5,
        )


def test_the_prefix_is_the_default_and_an_explicit_template_wins(
    goldens: Path, recorded: dict[str, Any], client: LocalClient
) -> None:
    asked = items(goldens, recorded)
    cosines = np.array(values(client, "cosine", asked))  # the cosine's default has no prefix
    plain = np.array(values(client, "plain", asked))
    np.testing.assert_allclose(plain, 2.5 * np.maximum(cosines, 0), rtol=0, atol=1e-6)
    published = np.array(values(client, "clipscore", asked))
    assert np.abs(published - plain).max() > 0.4  # recorded: 0.481 without the prefix


def test_what_is_cut_is_told(goldens: Path, recorded: dict[str, Any], client: LocalClient) -> None:
    (*_, long) = items(goldens, recorded)
    (verdict,) = verdicts(client, "refclipscore", [long])
    assert [(note.code, note.field) for note in verdict.notes] == [
        ("TEXT_TRUNCATED", "candidates[0].parts[0].text")
    ]


@pytest.mark.parametrize(
    ("references", "field"),
    [
        ([], "references"),
        ([["a"], []], "references[1].parts"),
        ([["a", "b"]], "references[0].parts"),
        ([["a"], [RED]], "references[1].parts"),
    ],
)
def test_references_that_are_no_captions_are_named(
    client: LocalClient, references: list[list[Part]], field: str
) -> None:
    error = refusal(client, "refclipscore", Item([RED], [Candidate(["red"])], references))
    assert (error.reason, error.field) == ("REFERENCE_EXPECTED", field)


def test_an_empty_reference_is_named(client: LocalClient) -> None:
    asked = Item([RED], [Candidate(["red"])], [["red"], [" "]])
    error = refusal(client, "refclipscore", asked)
    assert (error.reason, error.field) == ("TEXT_EMPTY", "references[1].parts[0].text")


@pytest.mark.parametrize("score", ["cosine", "clipscore"])
def test_other_media_are_refused(client: LocalClient, score: str) -> None:
    refuses_other_media(client, score)


def test_only_refclipscore_reads_references() -> None:
    assert Input.REFERENCE_TEXT in clip(score="refclipscore").info.reads
    assert Input.REFERENCE_TEXT not in clip(score="clipscore").info.reads


async def test_a_picture_beside_a_reference_s_text_is_not_read() -> None:
    asked = Item(["red"], [Candidate([RED])], [[PURPLE, "red"]])
    (score,) = (await judged(clip(score="refclipscore"), asked)).scores
    assert score.value == pytest.approx(2 * 2.5 / 3.5)


async def references_of(text: str, *references: str) -> Score:
    asked = Item(item([text], RED).prompt, [Candidate([RED])], [[one] for one in references])
    (score,) = (await judged(clip(score="refclipscore"), asked)).scores
    return score


async def test_the_best_reference_counts() -> None:
    score = await references_of("red", "green", "red", "blue")
    assert score.by_criterion["reference_cosine"] == pytest.approx(1)
    assert (await references_of("red", "green")).value == 0


async def test_the_reference_s_cosine_is_not_clipped() -> None:
    score = await references_of("red", "minus")
    cosine = -math.sqrt(1 / 3)
    assert score.by_criterion["reference_cosine"] == pytest.approx(cosine)
    assert score.value == pytest.approx(2 * 2.5 * cosine / (2.5 + cosine))


async def test_a_reference_that_is_no_number_is_not_passed_over() -> None:
    assert COLOURS["nan"][0] != COLOURS["nan"][0]
    for order in (("nan", "red"), ("red", "nan")):
        assert math.isnan((await references_of("red", *order)).value or 0)


def test_edges_of_the_harmonic_mean() -> None:
    assert refclipscore(0.0, 0.0) == 0.0
    assert refclipscore(0.0, -0.5) == 0.0
    assert refclipscore(2.5, 1.0) == pytest.approx(5 / 3.5)
    assert math.isnan(refclipscore(0.5, -0.5))  # its pole: told as an error, never as a number
    assert math.isnan(refclipscore(math.nan, 0.5))


async def test_an_item_without_references_is_refused() -> None:
    with pytest.raises(ItemError, match="expected at least one caption"):
        await clip(score="refclipscore").judge(item(["red"], RED, GREEN), Ask())


def test_the_template_in_force_is_what_is_fingerprinted() -> None:
    spelt = fingerprint_of(score="clipscore", template="A photo depicts {text}")
    assert fingerprint_of(score="clipscore") == spelt
    assert fingerprint_of(score="clipscore", template="{text}") != spelt
    assert fingerprint_of(score="cosine") == fingerprint_of(template="{text}")


async def test_each_readout_s_own_template() -> None:
    expected = {"cosine": "red", "clipscore": "A photo depicts red"}
    for score, text in expected.items():
        tower = ColourTower()
        await judged(clip(tower, score=score), item(["red"], RED))
        assert tower.texts == [text]
