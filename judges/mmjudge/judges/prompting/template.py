"""A template: how a generator is asked, and what its answer means."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from typing import Literal

from mmjudge.judges.answers.answer import Scale
from mmjudge.judges.prompting.placeholders import SHOWING, Arity, Piece, TemplateError, pieces

ReadoutName = Literal[
    "rating", "choice", "ranking", "yes_probability", "expected_rating", "score_tag"
]
Order = Literal["analysis first", "answer first"]
Need = Literal["prompt text", "prompt image", "candidate text", "candidate image"]

# Which readouts go with how many candidates in one question.
ARITIES: Mapping[ReadoutName, tuple[Arity, ...]] = {
    "rating": ("single", "pair"),
    "choice": ("pair", "list"),
    "ranking": ("list",),
    "yes_probability": ("single",),
    "expected_rating": ("single",),
    "score_tag": ("single",),
}


@dataclass(frozen=True, slots=True)
class Template:
    """A question with blanks, and how its answer is read.

    images: how many candidates one question shows.
    needs: what prompt and candidates must hold beyond what the placeholders show.
    order: where the text asks for the answer in words, before or after the reasons.
    labels: headings of the ratings: one, or one for each candidate of a pair.
    choice: headings of a choice; with `rating`, where a pair is also chosen from.
    answers: names of the candidates in a choice; of `yes_probability`, the answer that counts.
    ties: what stands in a choice for "neither is better".
    criteria: descriptions by name; a request may ask for some of them.
    task: one paragraph on what is judged, for `{task}`.
    endings: how to answer, by readout; put after the text. Where there are any, the template
    supports these readouts, otherwise `readout` alone.
    fence: judged texts stand between boundaries, and a first paragraph says so.
    published: the text is somebody's, filled as they fill it.

    Raises `TemplateError` naming the key for whatever does not fit together.
    """

    name: str
    text: str
    images: Arity
    readout: ReadoutName
    description: str = ""
    perspective: str = ""
    caution: str = ""
    order: Order = "analysis first"
    needs: tuple[Need, ...] = ()
    labels: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    ties: tuple[str, ...] = ()
    scale: Scale | None = None
    criteria: Mapping[str, str] = field(default_factory=dict)
    task: str = ""
    system: str = ""
    endings: Mapping[str, str] = field(default_factory=dict)
    fence: bool = True
    published: bool = False

    def __post_init__(self) -> None:
        for name in SHOWING[self.images]:
            if not self.shows(name):
                told = f"images = {self.images!r} shows each candidate by it"
                raise TemplateError(f"text: no placeholder {{{name}}}; {told}")
        for name, value in (("task", self.task), ("criteria", self.criteria)):
            if self.shows(name) and not value:
                raise TemplateError(f"{name}: missing, but the text has {{{name}}}")
        if self.shows("scale") and self.scale is None:
            raise TemplateError("scale: missing, but the text has {scale}")
        if self.endings and self.readout not in self.endings:
            raise TemplateError(f"endings.{self.readout}: missing, but it is the readout")
        for readout in self.readouts:
            check_readout(self, readout)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The text with the readout's ending, cut at its placeholders."""
        if self.published:
            return pieces(self.text, "text", self.images)
        ending = self.endings.get(self.readout, "")
        text = f"{self.text.strip()}\n\n{ending.strip()}".rstrip()
        return pieces(text, "text", self.images)

    @property
    def readouts(self) -> tuple[ReadoutName, ...]:
        """The readouts it supports, its own first."""
        others = (name for name in ARITIES if name in self.endings and name != self.readout)
        return (self.readout, *others)

    def shows(self, placeholder: str) -> bool:
        """Whether the text has a placeholder."""
        return any(piece.placeholder == placeholder for piece in self.pieces)

    @property
    def digest(self) -> str:
        """SHA-256 of all that can change a score: neither name nor description nor caution."""
        content = asdict(replace(self, name="", description="", caution=""))
        if self.endings:
            content["endings"] = self.endings[self.readout]
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def check_readout(template: Template, readout: ReadoutName) -> None:
    """Raise `TemplateError`, naming the key, if a template lacks what a readout reads by."""
    arity, scale = template.images, template.scale
    if arity not in ARITIES[readout]:
        expected = " or ".join(map(repr, ARITIES[readout]))
        raise TemplateError(f"images: {arity!r}; readout {readout!r} goes with {expected}")
    if readout in ("rating", "expected_rating", "score_tag") and scale is None:
        raise TemplateError(f"scale: missing, but readout {readout!r} needs low and high")
    if readout == "rating" and len(template.labels) != len(SHOWING[arity]):
        told = f"{len(template.labels)} of them, expected {len(SHOWING[arity])}: a heading for each"
        raise TemplateError(f"labels: {told} rating that readout 'rating' reads")
    if readout in ("expected_rating", "score_tag") and scale is not None and scale.words:
        raise TemplateError(f"scale.words: readout {readout!r} reads numbers; leave the words out")
    if readout == "score_tag" and len(template.labels) != 1:
        told = f"{len(template.labels)} of them, expected the heading that the score stands after"
        raise TemplateError(f"labels: {told}")
    asks_choice = readout == "choice" or (readout == "rating" and bool(template.choice))
    if asks_choice and arity == "pair" and len(template.answers) != 2:
        raise TemplateError(
            f"answers: {len(template.answers)} of them, expected the names of the two candidates"
        )
    if readout == "yes_probability" and len(template.answers) != 1:
        raise TemplateError(
            f"answers: {len(template.answers)} of them, expected the one whose probability is read"
        )
