"""Judge `vlm`: a vision-language model asked by a template, its answer read strictly."""

from math import inf
from typing import ClassVar

from mmjudge.contract.errors import invalid
from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item, Want
from mmjudge.contract.verdicts import Judgement, Score, Verdict
from mmjudge.judges.backbones.generator_config import GeneratorConfig, load_generator
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.backbones.transformers_generator_files import generator_files
from mmjudge.judges.comparing import verdict
from mmjudge.judges.fingerprint import code_version, fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.prompting.descriptions import (
    caution_of,
    description_of,
    range_of,
    reads_of,
    wants_of,
)
from mmjudge.judges.prompting.examples import example_of
from mmjudge.judges.prompting.options import VlmOptions, asking, configured_template
from mmjudge.judges.prompting.pairwise import compare_all
from mmjudge.judges.prompting.probabilities import normalisation_of
from mmjudge.judges.prompting.questions import ask_about
from mmjudge.judges.prompting.readouts import readout_of
from mmjudge.judges.prompting.said import Abstained, Said, together

# 496 questions, twice as many in both orders.
MOST_COMPARED = 32


class VlmJudge:
    """Shows candidates to a generator, one, two or all in a question, as the template has it."""

    Options: ClassVar = VlmOptions
    Backbone: ClassVar = GeneratorConfig

    def __init__(
        self, name: str, options: VlmOptions, backbone: GeneratorConfig, host: Host
    ) -> None:
        self._template = template = configured_template(options)
        generator = host.backbone(backbone, load_generator)
        if template.readout == "expected_rating" and template.scale:
            scale = template.scale
            generator.check_single_tokens(tuple(map(str, range(scale.low, scale.high + 1))))
        normalisation = options.normalisation
        if normalisation == "auto":
            normalisation = normalisation_of(generator.family)
        self._readout = readout_of(
            template, options, generator.serve(host), generator.family, normalisation
        )
        self._debias = options.debias
        self.example = example_of(template)
        shown = tuple(range(len(self.example.candidates)))
        provenance = {
            **generator.provenance,
            **asking(options, template, normalisation),
            # All that is written around a template's words shows in a question.
            "question": ask_about(template, self.example, shown).question.key.hex(),
            "judge": "vlm",
            "judge code": code_version(),
        }
        self.info = JudgeInfo(
            name=name,
            kind="vlm",
            fingerprint=fingerprint(provenance),
            provenance={**generator.told, "template name": template.name, **provenance},
            wants=wants_of(template),
            reads=reads_of(template),
            range=range_of(template),
            criteria=tuple(template.criteria) if template.shows("criteria") else (),
            description=f"{description_of(template)} ({backbone.model})",
            caution=caution_of(template, options.debias),
        )

    @staticmethod
    def files(options: VlmOptions, backbone: GeneratorConfig) -> list[ModelFile]:
        """Fetch the files it is loaded from, none for an endpoint; raises `BackboneUnavailable`."""
        return generator_files(backbone)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Ask about the candidates; an answer that cannot be read is an abstention with its text.

        Raises `ItemError` IMAGE_EXPECTED, TEXT_EMPTY or REFERENCE_EXPECTED where the template needs
        what is not there, CANDIDATE_COUNT where it compares and there is one candidate (or, pair by
        pair, more than 32), and the generator's own with the path of the image or candidate.
        """
        try:
            match self._template.images:
                case "single":
                    return await self._each(item, ask)
                case "pair":
                    return await self._pairs(item, ask)
                case "list":
                    return await self._all(item, ask)
        except Abstained as error:
            return Verdict(error.abstention, error.notes)

    async def _each(self, item: Item, ask: Ask) -> Verdict:
        indices = range(len(item.candidates))
        said = await together(self._said(item, (index,), ask) for index in indices)
        scores = [_score(one, ask) for one in said]
        return verdict(scores, ask.want, (note for one in said for note in one.notes))

    async def _pairs(self, item: Item, ask: Ask) -> Verdict:
        _check_count(item, MOST_COMPARED)
        compared, notes = await compare_all(
            len(item.candidates), lambda pair: self._said(item, pair, ask), self._debias
        )
        judgement = Judgement(
            compared.scores,
            compared.ranks if ask.want is Want.PREFERENCE else (),
            compared.rationale if ask.rationale else "",
            compared.raw_text if ask.raw_text else "",
        )
        return Verdict(judgement, notes)

    async def _all(self, item: Item, ask: Ask) -> Verdict:
        _check_count(item)
        said = await self._said(item, tuple(range(len(item.candidates))), ask)
        judgement = Judgement(
            tuple(Score() for _ in item.candidates),
            said.ranks,
            said.rationale if ask.rationale else "",
            said.raw_text if ask.raw_text else "",
        )
        return Verdict(judgement, said.notes)

    async def _said(self, item: Item, shown: tuple[int, ...], ask: Ask) -> Said:
        asked = ask_about(self._template, item, shown, ask.criteria)
        return await self._readout(asked, ask.want)


def _score(said: Said, ask: Ask) -> Score:
    (value,) = said.values
    spread = {"std": said.spreads[0]} if said.spreads else {}
    return Score(
        value,
        {**said.parts, **spread},
        rationale=said.rationale if ask.rationale else "",
        raw_text=said.raw_text if ask.raw_text else "",
    )


def _check_count(item: Item, most: float = inf) -> None:
    if not 2 <= (count := len(item.candidates)) <= most:
        told = (
            f"2 to {most}, of which the template compares every two" if count > 1 else "at least 2"
        )
        raise invalid("CANDIDATE_COUNT", f"{count}, expected {told}", "candidates")
