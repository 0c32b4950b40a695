"""Judge `ensemble` through an engine: sums, absences, its section of the configuration."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.judges.golden_models import kind, verdicts
from tests.judges.test_clip import PURPLE, RED

from mmjudge.client import LocalClient
from mmjudge.contract.errors import Error, ErrorCode
from mmjudge.contract.images import EncodedImage
from mmjudge.contract.info import Input
from mmjudge.contract.items import Candidate, Item, Want
from mmjudge.contract.verdicts import Abstention, AbstentionReason, Judgement, Score
from mmjudge.judges.ensemble import EnsembleJudge
from mmjudge.server.config import ServerConfig, judge_configs
from mmjudge.server.strict import ConfigError, build

SCRIPTED = "tests.judges.scripted:ScriptedJudge"
SECTION = """
[backbones.low]
low = -1.0

[judges.overall]
kind = "mmjudge.judges.ensemble:EnsembleJudge"
weights = { plain = 0.5, more = 2.0 }

[judges.overall.parts.plain]
kind = "tests.judges.scripted:ScriptedJudge"
backbone = "low"

[judges.overall.parts.more]
kind = "tests.judges.scripted:ScriptedJudge"
add = 1.0
"""


def ensemble(
    weights: dict[str, float], absent: str = "", **parts: dict[str, Any]
) -> dict[str, Any]:
    """The section of an ensemble of scripted judges."""
    sections = {name: {"kind": SCRIPTED} | part for name, part in parts.items()}
    table = {"kind": kind("ensemble"), "weights": weights, "parts": sections}
    return table | ({"absent": absent} if absent else {})


@contextmanager
def hosting(**judges: dict[str, Any]) -> Iterator[LocalClient]:
    with LocalClient(judges) as client:
        yield client


def texts(*numbers: float) -> Item:
    return Item(candidates=[Candidate([str(number)]) for number in numbers], id="it")


def scores(client: LocalClient, item: Item, judge: str = "it") -> tuple[Score, ...]:
    (verdict,) = verdicts(client, judge, [item])
    assert isinstance(verdict.outcome, Judgement), verdict.outcome
    return verdict.outcome.scores


def test_a_weighted_sum_with_its_parts_and_their_spread() -> None:
    with hosting(it=ensemble({"a": 0.5, "b": -2.0}, a={}, b={"add": 3.0})) as client:
        one, two = scores(client, texts(1, 5))
        (verdict,) = verdicts(client, "it", [texts(1, 5)], Want.PREFERENCE)
    assert one.value == 0.5 * 1 - 2 * 4 and two.value == 0.5 * 5 - 2 * 8
    assert one.by_criterion == {"a": 1, "b": 4, "standard_deviation": 1.5}
    assert verdict.judgement is not None and verdict.judgement.ranks == (1, 2)
    assert [note.code for note in verdict.notes] == ["SCRIPTED"]  # both parts' note, told once


def test_its_section_reads_as_judges_do() -> None:
    (config,) = judge_configs(build(ServerConfig, tomllib.loads(SECTION)))
    assert config.kind is EnsembleJudge
    plain, more = config.options.parts.values()
    assert (plain.name, plain.backbone.low) == ("overall.parts.plain", -1.0)
    assert (more.name, more.options.add) == ("overall.parts.more", 1.0)


def test_a_section_in_a_file_is_served(tmp_path: Path) -> None:
    file = tmp_path / "it.toml"
    file.write_text(SECTION)
    with LocalClient(file) as client:
        (score,) = scores(client, texts(3), "overall")
        info = client.list_judges().judges["overall"]
    assert score.value == 0.5 * 3 + 2 * 4
    assert info.range == (-0.5, 25)
    assert info.reads == (Input.CANDIDATE_TEXT,)
    assert info.description == "0.5 * plain + 2 * more, where plain: a number; more: a number"
    assert info.caution == "no judge"
    assert info.provenance["more.add"] == "1.0"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        (ensemble({}), "judges.it: parts: none, expected the section of a judge"),
        (ensemble({"a": 1.0}, a={}, b={}), "judges.it: weights.b: missing, expected a number"),
        (ensemble({"a": 1.0, "c": 1.0}, a={}), "judges.it: weights.c: no such part, expected a"),
        (ensemble({"a": float("inf")}, a={}), "judges.it: weights.a: inf, expected a finite"),
        (
            ensemble({"standard_deviation": 1.0}, standard_deviation={}),
            "judges.it: parts.standard_deviation: scores have their spread under that name",
        ),
        (ensemble({"a": 1.0}, a={"add": float("nan")}), "judges.it: parts.a: add: NaN"),
        (
            ensemble({"a": 1.0}, a={"gives": "steps"}),
            "judges.it: parts.a: kind 'scripted' gives no",
        ),
        (ensemble({"a": 1.0}, a={"kind": "clp"}), "judges.it.parts.a.kind: no kind of judge is"),
        (ensemble({"a": 1.0}, a={"ad": 1.0}), "judges.it.parts.a.ad: unknown key; did you mean"),
        (ensemble({"a": 1.0}, a={"backbone": "x"}), "judges.it.parts.a.backbone: 'x'; there is no"),
        (ensemble({}) | {"parts": []}, r"judges.it.parts: \[\], expected a table"),
        (ensemble({}) | {"parts": {"a": 1}}, "judges.it.parts.a: 1, expected a table"),
        (ensemble({"a": 1.0}, "ignore", a={}), "judges.it.absent: 'ignore', expected one of"),
    ],
)
def test_mistakes_in_its_section_are_named(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        LocalClient({"it": section})


FAULTS = {
    "item": ("TEXT_BAD", "part 'b': not to its taste", "candidates[0]"),
    "error": ("ODD", "part 'b': odd", "prompt"),
    "broken": ("OUT_OF_MEMORY", "part 'b': full", ""),
    "unordered": ("SCORE_COUNT", "part 'b': gave 0 scores for 2 candidates", ""),
    "short": ("SCORE_COUNT", "part 'b': gave 0 scores for 2 candidates", ""),
    "nan": (
        "SCORE_NOT_FINITE",
        "part 'b': computed NaN or infinity for candidate 0",
        "candidates[0]",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_part_that_fails_leaves_no_score(fault: str) -> None:
    with hosting(it=ensemble({"a": 1, "b": 1}, a={}, b={"fault": fault})) as client:
        (verdict,) = verdicts(client, "it", [texts(1, 2)])
    assert isinstance(verdict.outcome, Error)
    found = (verdict.outcome.reason, verdict.outcome.message, verdict.outcome.field)
    assert found == FAULTS[fault]


def test_a_part_that_abstains_makes_the_ensemble_abstain() -> None:
    with hosting(it=ensemble({"a": 1, "b": 1}, a={}, b={"fault": "abstains"})) as client:
        (verdict,) = verdicts(client, "it", [texts(1)])
    assert isinstance(verdict.outcome, Abstention)
    assert verdict.outcome.reason == AbstentionReason.REFUSED
    assert verdict.outcome.message == "part 'b': would rather not"


def test_a_part_with_a_bug_is_the_judge_s_failure() -> None:
    with hosting(it=ensemble({"a": 1, "b": 1}, "skip", a={}, b={"fault": "raises"})) as client:
        (verdict,) = verdicts(client, "it", [texts(1)])
    assert isinstance(verdict.outcome, Error) and verdict.outcome.reason == "JUDGE_FAILED"


@pytest.mark.parametrize("fault", ["item", "error", "abstains"])
def test_an_absent_part_is_skipped_where_configured(fault: str) -> None:
    section = ensemble({"a": 2, "b": 1, "c": 1}, "skip", a={}, b={"fault": fault}, c={"add": 1.0})
    with hosting(it=section) as client:
        (verdict,) = verdicts(client, "it", [texts(1)])
    assert verdict.judgement is not None
    (score,) = verdict.judgement.scores
    assert score.value == 2 * 1 + 2
    assert score.by_criterion == {"a": 1, "c": 2, "standard_deviation": 0.5}
    (note,) = [note for note in verdict.notes if note.code == "PART_SKIPPED"]
    assert note.message.startswith("part 'b': ")


@pytest.mark.parametrize("fault", ["broken", "unordered", "short", "nan"])
def test_a_part_that_breaks_is_never_skipped(fault: str) -> None:
    section = ensemble(
        {"a": 1, "b": 1, "c": 1}, "skip", a={"fault": "item"}, b={"fault": fault}, c={}
    )
    with hosting(it=section) as client:
        (verdict,) = verdicts(client, "it", [texts(1)])
    assert isinstance(verdict.outcome, Error)
    assert verdict.outcome.code != ErrorCode.INVALID_ARGUMENT
    assert verdict.outcome.message.startswith("part 'b'")


def test_when_all_are_absent_there_is_nothing_to_sum() -> None:
    section = ensemble({"a": 1, "b": 1}, "skip", a={"fault": "item"}, b={"fault": "abstains"})
    with hosting(it=section) as client:
        (verdict,) = verdicts(client, "it", [texts(1)])
    assert isinstance(verdict.outcome, Error) and verdict.outcome.reason == "TEXT_BAD"


def fingerprints(**sections: dict[str, Any]) -> dict[str, str]:
    with LocalClient(sections) as client:
        return {name: info.fingerprint for name, info in client.list_judges().judges.items()}


def test_what_changes_a_sum_changes_the_fingerprint() -> None:
    found = fingerprints(
        base=ensemble({"a": 1, "b": 2}, a={}, b={"add": 1.0}),
        weight=ensemble({"a": 1, "b": 3}, a={}, b={"add": 1.0}),
        part=ensemble({"a": 1, "b": 2}, a={}, b={"add": 2.0}),
        absent=ensemble({"a": 1, "b": 2}, "skip", a={}, b={"add": 1.0}),
        turned=ensemble({"a": 2, "b": 1}, a={}, b={"add": 1.0}),
        named=ensemble({"y": 2, "x": 1}, y={"add": 1.0}, x={}),
    )
    assert found.pop("named") == found["base"]
    assert len(set(found.values())) == len(found)


def test_an_ensemble_may_be_a_part() -> None:
    inner = ensemble({"a": 1, "b": 1}, a={}, b={})
    outer = ensemble({"pair": 10, "one": 1}, pair=inner, one={})
    with hosting(it=outer) as client:
        (score,) = scores(client, texts(3))
    assert score.value == 63 and score.by_criterion["pair"] == 6


def test_parts_of_one_model_share_it_and_pass_on_what_is_wrong(
    clip_folder: Path, open_clip_folder: Path
) -> None:
    model = {"kind": kind("clip"), "model": f"transformers:{clip_folder}"}
    parts = {"cosine": model, "clipscore": model | {"score": "clipscore"}}
    section = {"kind": kind("ensemble"), "parts": parts, "weights": {"cosine": 1, "clipscore": 0.4}}
    item = Item(["a red square"], [Candidate([RED]), Candidate([PURPLE])])
    with hosting(it=section, alone=model) as client:
        for one, alone in zip(scores(client, item), scores(client, item, "alone"), strict=True):
            assert one.by_criterion["cosine"] == alone.value
            parts_sum = one.by_criterion["cosine"] + 0.4 * one.by_criterion["clipscore"]
            assert one.value == pytest.approx(parts_sum, abs=1e-6)
        broken = Item(["a red square"], [Candidate([EncodedImage(b"no image")])])
        (verdict,) = verdicts(client, "it", [broken])
        reads = client.list_judges().judges["it"].reads
    assert isinstance(verdict.outcome, Error)
    assert verdict.outcome.reason == "IMAGE_UNDECODABLE"
    assert verdict.outcome.field == "candidates[0].parts[0].image"
    assert verdict.outcome.message.startswith("part 'cosine': ")
    assert Input.CANDIDATE_IMAGE in reads
