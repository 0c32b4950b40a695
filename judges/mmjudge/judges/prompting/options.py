"""What the judge `vlm` is told, and what does not go together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mmjudge.judges.prompting.mj_bench_templates import load_mj_bench
from mmjudge.judges.prompting.placeholders import TemplateError, nearest
from mmjudge.judges.prompting.probabilities import Normalisation
from mmjudge.judges.prompting.template import ReadoutName, Template
from mmjudge.judges.prompting.template_files import load_template
from mmjudge.judges.prompting.voting import Combine

READ_FROM_CHANCES: tuple[ReadoutName, ...] = ("yes_probability", "expected_rating")


@dataclass(frozen=True, slots=True)
class VlmOptions:
    """How a generator is asked, and how its answer is read.

    template: name of a shipped template, path of a file (`.toml`), or, with `templates`, the name
    of one of MJ-Bench's own, without `.txt`.
    templates: the `prompt_template/` folder of MJ-Bench's repository.
    readout: one of those that the template supports; empty for the template's own.
    samples: answers to each question; more than one need a temperature.
    temperature, seed, max_new_tokens: as `Sampling` has them; of readouts in words.
    combine: over samples, the ratings' `mean` or a `vote` of the most frequent one; choices are
    always voted on.
    debias: ask about each pair in both orders; disagreement is a tie that says so.
    normalisation: of `yes_probability`: `first_token`, `answer_and_end`, or `auto`, what published
    VQAScores of the model's family have.
    """

    template: str = "alignment-single-numeric-10"
    templates: str = ""
    readout: str = ""
    samples: int = 1
    temperature: float = 0.0
    seed: int = 0
    combine: Combine = "mean"
    debias: bool = False
    max_new_tokens: int = 512
    normalisation: Literal["auto", "first_token", "answer_and_end"] = "auto"


def configured_template(options: VlmOptions) -> Template:
    """The template, with the readout asked for.

    Raises `TemplateError` for a template that cannot be used, ValueError for options that do not
    go together.
    """
    if options.templates:
        template = load_mj_bench(options.templates, options.template)
    else:
        template = load_template(options.template)
    if options.readout:
        readouts: Mapping[str, ReadoutName] = {name: name for name in template.readouts}
        if options.readout not in readouts:
            told = nearest(options.readout, tuple(readouts))
            raise TemplateError(
                f"readout: {options.readout!r} is none of template {template.name!r}; {told}"
            )
        template = replace(template, readout=readouts[options.readout])
    _check(options, template)
    return template


def asking(options: VlmOptions, template: Template, normalisation: Normalisation) -> dict[str, str]:
    """The options that change a score, for a fingerprint."""
    told = {"template": template.digest, "readout": template.readout}
    if template.readout == "yes_probability":
        told["normalisation"] = normalisation
    if template.readout not in READ_FROM_CHANCES:
        told["max new tokens"] = str(options.max_new_tokens)
        told["temperature"] = repr(options.temperature)
        if options.temperature:
            told["seed"] = str(options.seed)
        if options.samples > 1:
            told |= {"samples": str(options.samples), "combine": options.combine}
    if template.images == "pair":
        told["order of pairs"] = "both" if options.debias else "as sent"
    return told


def _check(options: VlmOptions, template: Template) -> None:
    if options.samples < 1:
        raise ValueError(f"samples: {options.samples}, expected at least 1")
    if options.max_new_tokens < 1:
        raise ValueError(f"max_new_tokens: {options.max_new_tokens}, expected at least 1")
    if not 0 <= options.temperature < float("inf"):
        raise ValueError(f"temperature: {options.temperature}, expected 0 or a positive number")
    if template.readout in READ_FROM_CHANCES:
        for name, value, only in (
            ("samples", options.samples, 1),
            ("temperature", options.temperature, 0),
        ):
            if value != only:
                raise ValueError(
                    f"{name}: {value}, but readout {template.readout!r} reads probabilities and "
                    f"samples nothing; leave {name} out"
                )
    if options.samples > 1 and not options.temperature:
        raise ValueError(
            f"samples: {options.samples} answers at temperature 0 are one answer; set a "
            "temperature, such as 0.7"
        )
    if options.debias and template.images != "pair":
        raise ValueError(
            f"debias: template {template.name!r} shows {template.images!r}, no pair that could be "
            "turned round"
        )
    if options.normalisation != "auto" and template.readout != "yes_probability":
        raise ValueError(
            f"normalisation: belongs to readout 'yes_probability', not to {template.readout!r}"
        )
