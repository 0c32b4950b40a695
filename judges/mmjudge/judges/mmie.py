"""Judge `mmie`: MMIE-Score, a model tuned to grade answers made of texts and images."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from mmjudge.contract.errors import ItemError
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Note, Score, Verdict
from mmjudge.judges.answers.answer import Scale, Unreadable
from mmjudge.judges.answers.reading import score_tag_of
from mmjudge.judges.backbones.internvl2 import InternVL2Config, load_internvl2
from mmjudge.judges.backbones.internvl2_files import internvl2_files
from mmjudge.judges.backbones.model_files import ModelFile
from mmjudge.judges.comparing import verdict
from mmjudge.judges.fingerprint import fingerprint
from mmjudge.judges.judge import Host
from mmjudge.judges.mmie_prompts import PARAPHRASED, PUBLISHED, load_prompts, prompt_files
from mmjudge.judges.mmie_question import ask_mmie
from mmjudge.judges.prompting.said import Abstained, abstained, together

HEADING, SCALE = "### Score", Scale(0, 6)
CAUTION = (
    "no calibrated reward: the authors report a Pearson correlation of 0.113 with people's scores; "
    "what is judged can talk to the judge"
)
WORDS = {
    PUBLISHED: "as published",
    PARAPHRASED: "in paraphrased prompts, which are not those it was tuned on",
}


@dataclass(frozen=True, slots=True)
class MmieOptions:
    """How the scorer is asked.

    prompts: `published` for the scorer's own, which `mmjudge pull` fetches from their authors; a
    folder with their files; or `paraphrased` for words of ours, whose scores are no MMIE-Score.
    tiles: `budget` shows images in fewer tiles where question and answer would not fit the context
    otherwise, and notes it; `full` refuses such items.
    max_new_tokens: most tokens of an answer; they are kept free in the context.
    """

    prompts: str = PUBLISHED
    tiles: Literal["budget", "full"] = "budget"
    max_new_tokens: int = 1024


class MmieJudge:
    """Grades each candidate from 0 to 6 by the criteria of the item's category, with feedback.

    MMIE-Score (Xia et al., ICLR 2025, arXiv 2410.10139) is InternVL2-4B, tuned on 800 answers that
    people had scored. The value is what the model writes below `### Score`.
    """

    Options: ClassVar = MmieOptions
    Backbone: ClassVar = InternVL2Config

    def __init__(
        self, name: str, options: MmieOptions, backbone: InternVL2Config, host: Host
    ) -> None:
        self._prompts = load_prompts(options.prompts)  # at once, where weights take minutes
        model = host.backbone(backbone, load_internvl2)
        replies = model.replies(options.max_new_tokens, shrinks=options.tiles == "budget")
        self._reply = host.serve(replies)
        provenance = {
            **model.provenance,
            "judge": "mmie",
            "prompts": f"{self._prompts.source}, {self._prompts.digest[:16]}",
            "tiles": options.tiles,
            "decoding": f"greedy, at most {options.max_new_tokens} tokens",
        }
        self.info = JudgeInfo(
            name=name,
            kind="mmie",
            fingerprint=fingerprint(provenance),
            provenance={**model.told, **provenance},
            wants=(Want.SCORE, Want.PREFERENCE),
            reads=(
                Input.PROMPT_TEXT,
                Input.PROMPT_IMAGE,
                Input.CANDIDATE_TEXT,
                Input.CANDIDATE_IMAGE,
                Input.REFERENCE_TEXT,
                Input.ATTRIBUTES,
            ),
            range=(float(SCALE.low), float(SCALE.high)),
            description=f"MMIE-Score {WORDS[self._prompts.source]} ({backbone.model})",
            caution=CAUTION,
        )
        self.example = Item(
            prompt=["Tell a story of one sentence."],
            candidates=[Candidate(["Once upon a time there was a grey square, and it was happy."])],
            attributes={"category": "SA"},
        )

    @staticmethod
    def files(options: MmieOptions, backbone: InternVL2Config) -> list[ModelFile]:
        """Fetch the files it is loaded from, and check the prompts among them.

        Raises `BackboneUnavailable`.
        """
        load_prompts(options.prompts)
        model = internvl2_files(backbone.model, backbone.revision)
        return [ModelFile(path) for path in (*prompt_files(options.prompts), *model.read)]

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Grade every candidate by itself; PREFERENCE ranks them by grade.

        A reply without a grade makes the verdict an abstention with its text. Raises `ItemError`
        CATEGORY_EXPECTED, REFERENCE_EXPECTED, CONTEXT_EXCEEDED, and an image's errors with its
        path.
        """
        indices = range(len(item.candidates))
        try:
            graded = await together(self._grade(item, index, ask) for index in indices)
        except Abstained as error:
            return Verdict(error.abstention, error.notes)
        notes = (note for _, found in graded for note in found)
        return verdict([score for score, _ in graded], ask.want, notes)

    async def _grade(self, item: Item, index: int, ask: Ask) -> tuple[Score, tuple[Note, ...]]:
        asked, unread = ask_mmie(item, index, self._prompts)
        try:
            computed = await self._reply(asked.question)
        except ItemError as error:
            raise asked.located(error) from error
        notes = (*unread, *map(asked.noted, computed.notes))
        reply = computed.value
        try:
            read = score_tag_of(reply.text, reply.finished, HEADING, SCALE)
        except Unreadable as error:
            raise abstained(error.reason, str(error), asked.path, reply.text, notes) from error
        score = Score(
            read.values[0],
            rationale=read.rationale if ask.rationale else "",
            raw_text=reply.text if ask.raw_text else "",
        )
        return score, notes
