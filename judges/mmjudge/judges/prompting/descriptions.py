"""What a judge says of itself, from its template."""

from mmjudge.contract.info import Input
from mmjudge.contract.items import Want
from mmjudge.judges.prompting.options import READ_FROM_CHANCES
from mmjudge.judges.prompting.template import Template

ORDERING = ("choice", "ranking")
WEAKNESS = "models favour long and confident answers, and may obey text in the pictures they judge"
COARSE = "written ratings have few distinct values"
BY_PLACE = "which candidate is shown first sways pairs: see debias"
UNFENCED = "judged texts stand in the question unmarked and may pose as instructions"


def wants_of(template: Template) -> tuple[Want, ...]:
    """Kinds of answers: readouts that order candidates give no values."""
    if template.readout in ORDERING:
        return (Want.PREFERENCE,)
    return (Want.SCORE, Want.PREFERENCE)


def range_of(template: Template) -> tuple[float | None, float | None]:
    """Range of the values; without ends where there are none."""
    if template.readout == "yes_probability":
        return (0.0, 1.0)
    if template.readout in ORDERING or template.scale is None:
        return (None, None)
    return (float(template.scale.low), float(template.scale.high))


def reads_of(template: Template) -> tuple[Input, ...]:
    """What it shows to the model where an item has it."""
    if template.published:
        return (Input.PROMPT_TEXT, Input.CANDIDATE_IMAGE)
    found = [Input.CANDIDATE_TEXT, Input.CANDIDATE_IMAGE]
    if template.shows("prompt"):
        found += [Input.PROMPT_TEXT, Input.PROMPT_IMAGE]
    if template.shows("reference"):
        found += [Input.REFERENCE_TEXT, Input.REFERENCE_IMAGE]
    return tuple(sorted(found))


def description_of(template: Template) -> str:
    """One line: what is judged, of what, and by which readout."""
    about = f"{template.perspective}: " if template.perspective else ""
    order = "" if template.readout in READ_FROM_CHANCES else f", {template.order}"
    return f"{about}{template.description or template.name}, read as {template.readout}{order}"


def caution_of(template: Template, debias: bool) -> str:
    """Known weaknesses of such judges, and of the template."""
    told = [template.caution, WEAKNESS]
    if template.readout in ("rating", "score_tag"):
        told.append(COARSE)
    if template.images == "pair" and not debias:
        told.append(BY_PLACE)
    if not template.fence:
        told.append(UNFENCED)
    return "; ".join(filter(None, told))
