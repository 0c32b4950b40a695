"""Judge `calibrated`: another judge's scores on a scale that people's ratings, or ranks, gave."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.comparing import verdict
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host, Judge, JudgeConfig
from mmjudge.judges.judge_files import judge_files
from mmjudge.judges.score_calibration import read_score_calibration
from mmjudge.judges.scoring import scored, scorer_of, scoring_wants


@dataclass(frozen=True, slots=True)
class CalibratedOptions:
    """Whose scores, and by which curve.

    scorer: the section of the judge whose scores are calibrated.
    calibration: path of the file that `mmjudge calibrate` wrote for exactly that judge.
    """

    scorer: JudgeConfig
    calibration: str


@dataclass(frozen=True, slots=True)
class CalibratedBackbone:
    """None of its own: the scorer has one."""


class CalibratedJudge:
    """Scores by a rising curve over another judge's scores; the raw score stands beside it."""

    Options: ClassVar = CalibratedOptions
    Backbone: ClassVar = CalibratedBackbone

    def __init__(
        self, name: str, options: CalibratedOptions, backbone: CalibratedBackbone, host: Host
    ) -> None:
        self._curve = read_score_calibration(Path(options.calibration))
        self._scorer: Judge = scorer_of(options.scorer, host, "scorer", "calibrate")
        scorer = self._scorer.info
        if scorer.fingerprint != self._curve.fingerprint:
            raise ValueError(
                f"calibration: {options.calibration} was made of a judge with fingerprint "
                f"{self._curve.fingerprint[:12]}, the scorer has {scorer.fingerprint[:12]}: "
                "calibrate this one with `mmjudge calibrate`, or configure the other"
            )
        provenance = {
            "judge": f"calibrated {self._curve.kind}",
            "calibration": self._curve.digest,
            "scorer": scorer.fingerprint,
        }
        told = {f"scorer.{key}": value for key, value in scorer.provenance.items()}
        self.info = JudgeInfo(
            name=name,
            kind="calibrated",
            fingerprint=fingerprint(provenance),
            provenance=told | provenance,
            wants=scoring_wants(scorer),
            reads=scorer.reads,
            range=self._curve.range,
            description=f"{self._curve.kind} calibration of: {scorer.description}",
            caution=scorer.caution,
        )
        self.example = self._scorer.example

    @staticmethod
    def files(options: CalibratedOptions, backbone: CalibratedBackbone) -> list[ModelFile]:
        """Fetch the scorer's files; raises as `judge_files`."""
        return judge_files(options.scorer)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Calibrate each candidate's score; PREFERENCE ranks by the calibrated ones.

        `by_criterion` holds the `raw` score. Where a curve is flat, raw scores that differ tie. An
        abstention or error of the scorer is the verdict.
        """
        said = await scored(self._scorer, item, "scorer")
        if said.absence:
            return Verdict(said.absence, said.notes)
        scores = [Score(self._curve(raw), {"raw": raw}) for raw in said.values]
        return verdict(scores, ask.want, said.notes)
