"""Judge `visual_dependence`: how much of another judge's score is owed to the image (POVID)."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Score, Verdict
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.comparing import verdict
from mmjudge.judges.diffusion_noise import Schedule
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.image_noising import ImageNoising
from mmjudge.judges.item_noising import noisy_item
from mmjudge.judges.judge import Host, JudgeConfig
from mmjudge.judges.judge_files import judge_files
from mmjudge.judges.scoring import Scored, scored, scorer_of, scoring_wants


@dataclass(frozen=True, slots=True)
class VisualDependenceOptions:
    """Whose score, and what noise.

    scorer: the section of the judge whose scores are compared.
    step: how far the diffusion went, from 0; later is noisier.
    schedule_steps, beta_first, beta_last: the diffusion's schedule, `Schedule`.
    seed: together with an image's pixels all that its noise depends on.
    draws: how many noisy copies are scored and averaged.
    """

    scorer: JudgeConfig
    step: int = 500
    schedule_steps: int = 1000
    beta_first: float = 1e-5
    beta_last: float = 5e-3
    seed: int = 0
    draws: int = 1


@dataclass(frozen=True, slots=True)
class VisualDependenceBackbone:
    """None of its own: the scorer has one."""


class VisualDependenceJudge:
    """A scorer's score of an item minus its score of the item with noise on its images.

    The images of the prompt and of the candidates are noised, as far as the scorer reads them;
    references are not.
    """

    Options: ClassVar = VisualDependenceOptions
    Backbone: ClassVar = VisualDependenceBackbone

    def __init__(
        self,
        name: str,
        options: VisualDependenceOptions,
        backbone: VisualDependenceBackbone,
        host: Host,
    ) -> None:
        if options.draws < 1:
            raise ValueError(f"draws: {options.draws}, expected at least 1")
        schedule = Schedule(options.schedule_steps, options.beta_first, options.beta_last)
        kept, sigma = schedule.at(options.step)
        self._scorer = scorer_of(options.scorer, host, "scorer", "compare")
        scorer = self._scorer.info
        if not {Input.PROMPT_IMAGE, Input.CANDIDATE_IMAGE} & set(scorer.reads):
            raise ValueError(f"scorer: kind {scorer.kind!r} reads no images to put noise on")
        noisings = [
            ImageNoising(schedule, options.step, f"{options.seed} {draw}")
            for draw in range(options.draws)
        ]
        self._noised = [host.serve(noising) for noising in noisings]
        provenance = {
            **noisings[0].provenance,
            "noise seed": f"{options.seed}, {options.draws} draws",
            "judge": "visual_dependence",
            "scorer": scorer.fingerprint,
        }
        told = {f"scorer.{key}": value for key, value in scorer.provenance.items()}
        low, high = scorer.range
        reach = None if low is None or high is None else high - low
        self.info = JudgeInfo(
            name=name,
            kind="visual_dependence",
            fingerprint=fingerprint(provenance),
            provenance=told | provenance,
            wants=scoring_wants(scorer),
            reads=scorer.reads,
            range=(None if reach is None else -reach, reach),
            description=f"score minus score with noise on the image ({kept:.3f} of the picture, "
            f"sigma {sigma:.3f}), of: {scorer.description}",
            caution=scorer.caution,
        )
        self.example = self._scorer.example

    @staticmethod
    def files(
        options: VisualDependenceOptions, backbone: VisualDependenceBackbone
    ) -> list[ModelFile]:
        """Fetch the scorer's files; raises as `judge_files`."""
        return judge_files(options.scorer)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Compare each candidate's scores; PREFERENCE ranks by the differences.

        `by_criterion` holds both: `clean`, and `noisy`, the mean over the draws. An abstention or
        error of the scorer on either is the verdict. Raises `ItemError` IMAGE_EXPECTED for an item
        without an image to put noise on, and as `open_image` does.
        """
        clean = await scored(self._scorer, item, "scorer")
        if clean.absence:
            return Verdict(clean.absence, clean.notes)
        copies = await asyncio.gather(
            *(noisy_item(item, self.info.reads, noised) for noised in self._noised)
        )
        noisy = await asyncio.gather(
            *(scored(self._scorer, copy, "scorer, on a noisy copy") for copy in copies)
        )
        notes = [note for one in (clean, *noisy) for note in one.notes]
        for one in noisy:
            if one.absence:
                return Verdict(one.absence, tuple(dict.fromkeys(notes)))
        scores = [_difference(clean, noisy, index) for index in range(len(item.candidates))]
        return verdict(scores, ask.want, notes)


def _difference(clean: Scored, noisy: Sequence[Scored], index: int) -> Score:
    # Exact before it is divided, so that it does not depend on the order of the draws.
    mean = math.fsum(one.values[index] for one in noisy) / len(noisy)
    value = clean.values[index]
    return Score(value - mean, {"clean": value, "noisy": mean})
