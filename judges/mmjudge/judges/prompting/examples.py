"""An item that a template can judge, to warm up with."""

from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.judges.example import TWO_SQUARES
from mmjudge.judges.prompting.template import Template

WORDS = ("a grey square", "a square that is nearly black")


def example_of(template: Template) -> Item:
    """Squares, or texts about them, with all that the template needs."""
    squares = TWO_SQUARES.candidates
    prompt: list[Part] = [*squares[0].parts] if "prompt image" in template.needs else []
    candidates = squares
    if "candidate text" in template.needs:
        candidates = [Candidate([text]) for text in WORDS]
    shown = candidates[:1] if template.images == "single" else candidates
    return Item([*prompt, WORDS[0]], shown, TWO_SQUARES.references)
