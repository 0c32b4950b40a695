import json
from pathlib import Path
from typing import Any

import pytest
from tests.judges.direct_host import DirectHost
from tests.judges.scripted import ScriptBackbone, ScriptedJudge, ScriptOptions

from mmjudge.contract.errors import Error
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Abstention, Judgement
from mmjudge.judges.calibrated import CalibratedBackbone, CalibratedJudge, CalibratedOptions
from mmjudge.judges.judge import JudgeConfig


def config(**options: Any) -> JudgeConfig:
    return JudgeConfig("s", ScriptedJudge, ScriptBackbone(), ScriptOptions(**options))


def scorer(**options: Any) -> ScriptedJudge:
    return ScriptedJudge("s", ScriptOptions(**options), ScriptBackbone(), DirectHost())


def calibrated(folder: Path, table: Any = (), **options: Any) -> CalibratedJudge:
    path = folder / "calibration.json"
    whole = {
        "version": 1,
        "kind": "isotonic",
        "fingerprint": scorer(**options).info.fingerprint,
        "knots": [[0.0, 0.1], [2.0, 0.5], [4.0, 0.5], [8.0, 0.9]],
    }
    path.write_text(json.dumps(whole | dict(table)))
    return CalibratedJudge(
        "c", CalibratedOptions(config(**options), str(path)), CalibratedBackbone(), DirectHost()
    )


def item(*texts: str) -> Item:
    return Item(candidates=[Candidate([text]) for text in texts], id="x")


async def test_scores_follow_the_curve_with_the_raw_ones_beside(tmp_path: Path) -> None:
    judge = calibrated(tmp_path)
    verdict = await judge.judge(item("1", "6", "99"), Ask())
    assert isinstance(verdict.outcome, Judgement)
    assert [score.value for score in verdict.outcome.scores] == pytest.approx([0.3, 0.7, 0.9])
    assert [dict(s.by_criterion) for s in verdict.outcome.scores] == [
        {"raw": 1.0}, {"raw": 6.0}, {"raw": 99.0},
    ]  # fmt: skip
    assert [note.code for note in verdict.notes] == ["SCRIPTED"]
    assert judge.info.range == (0.1, 0.9)
    assert judge.info.caution == "no judge"


async def test_where_the_curve_is_flat_candidates_tie(tmp_path: Path) -> None:
    verdict = await calibrated(tmp_path).judge(item("2", "8", "3"), Ask(Want.PREFERENCE))
    assert isinstance(verdict.outcome, Judgement)
    assert verdict.outcome.ranks == (2, 1, 2)


@pytest.mark.parametrize("fault", ["item", "error", "broken", "abstains", "unordered", "nan"])
async def test_without_a_score_there_is_no_number(tmp_path: Path, fault: str) -> None:
    verdict = await calibrated(tmp_path, fault=fault).judge(item("1"), Ask())
    kind = Abstention if fault == "abstains" else Error
    assert isinstance(verdict.outcome, kind)
    assert verdict.outcome.message.startswith("scorer: ")


def test_the_fingerprint_is_of_the_curve_and_the_scorer(tmp_path: Path) -> None:
    one = calibrated(tmp_path).info
    assert calibrated(tmp_path).info.fingerprint == one.fingerprint
    other_curve = calibrated(tmp_path, {"knots": [[0.0, 0.0], [1.0, 1.0]]}).info
    other_scorer = calibrated(tmp_path, add=1.0).info
    assert len({one.fingerprint, other_curve.fingerprint, other_scorer.fingerprint}) == 3
    assert one.provenance["scorer.add"] == "0.0"


def test_a_file_of_another_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="made of a judge with fingerprint abc, the scorer has"):
        calibrated(tmp_path, {"fingerprint": "abc"})


def test_a_scorer_without_scores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="scorer: kind 'scripted' gives no scores to calibrate"):
        calibrated(tmp_path, gives="steps")


def test_a_scorer_that_does_not_load_is_named(tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    calibrated(tmp_path)
    options = CalibratedOptions(config(add=float("nan")), str(path))
    with pytest.raises(ValueError, match="scorer: add: NaN"):
        CalibratedJudge("c", options, CalibratedBackbone(), DirectHost())
