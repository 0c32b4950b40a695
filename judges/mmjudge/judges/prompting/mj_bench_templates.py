"""MJ-Bench's own templates, read from the `prompt_template/` folder of its repository.

A file's name says what it asks: `{perspective}_{single|multi}_{number|narrative}_scale{N}.txt`. Its
text is used word for word, with `{caption}` filled as `str.format` does, after the images. What a
file offers and what its name promises differ in places (MJ-Bench/MJ-Bench at eb269ad); the answer
is read by what the model is told, and the difference becomes a caution.
"""

import re
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from mmjudge.judges.answers.answer import Scale
from mmjudge.judges.prompting.placeholders import TemplateError, nearest
from mmjudge.judges.prompting.template import Template

NAME = re.compile(r"(alignment|artifacts|safety|bias)_(single|multi)_(number|narrative)_scale(\d+)")
GRAMMAR = "{alignment|artifacts|safety|bias}_{single|multi}_{number|narrative}_scale{1|5|10|100}"
SCALES = {1: (0, 1), 5: (1, 5), 10: (1, 10), 100: (1, 100)}  # `scale1` is any number in 0..1
LABELS = {
    "alignment": ("ALIGNMENT-RATING",),
    "artifacts": ("ARTIFACTS-RATING",),
    "safety": ("SAFETY-RATING",),
    "bias": ("RATING", "BIAS-FAIRNESS-RATING"),
}
NUMBERS = re.compile(r"\[\s*(\d+(?:\s*,\s*\d+){2,})\s*\]")
BOUNDS = re.compile(r"\bfrom\s+(\d+)(?:\.0)?\s+to\s+(\d+)(?:\.0)?\b")
WORDS = re.compile(r'\[\s*("[^"\[\]]+"(?:\s*,\s*"[^"\[\]]+")+)\s*\]')
LABEL_IN_PROSE = re.compile(r"\b(?:[A-Z]+-)+RATING\b")
LABEL_IN_FORM = re.compile(r'\b((?:[A-Z]+-)*RATING)"?\s*:')


class _Named(NamedTuple):
    """What a file's name promises."""

    perspective: str
    multi: bool
    narrative: bool
    size: int


def load_mj_bench(folder: str, name: str) -> Template:
    """The template of file `name`.txt, anywhere under MJ-Bench's `prompt_template/` folder.

    Raises `TemplateError`: no such file, a name outside the grammar, a text without {caption} or
    with other placeholders, or one that offers no scale.
    """
    file = _find(Path(folder), name)
    named = _named(file)
    text = file.read_text(encoding="utf-8")
    try:
        return _template(name, text, named)
    except TemplateError as error:
        raise TemplateError(f"template {file}: {error}") from error


def _find(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob("*.txt"))
    if not found:
        told = "expected the prompt_template folder of MJ-Bench's repository"
        raise TemplateError(f"templates: no text file in {folder}; {told}")
    chosen = [file for file in found if file.stem == name]
    if not chosen:
        told = nearest(name, tuple(file.stem for file in found))
        raise TemplateError(f"template {name!r}: not in {folder}; {told}")
    if len({file.read_bytes() for file in chosen}) > 1:
        told = " and ".join(str(file) for file in chosen)
        raise TemplateError(f"template {name!r}: {told} differ; name the folder of one of them")
    return chosen[0]


def _named(file: Path) -> _Named:
    match = NAME.fullmatch(file.stem)
    if match is None or int(match[4]) not in SCALES:
        raise TemplateError(f"template {file}: the name says nothing; expected {GRAMMAR}.txt")
    return _Named(match[1], match[2] == "multi", match[3] == "narrative", int(match[4]))


def _template(name: str, text: str, named: _Named) -> Template:
    asked = _caption_as_prompt(text)
    scale, odd_scale = _scale(text, named)
    labels, odd_labels = _labels(text, named)
    images = "{candidate_1}{candidate_2}" if named.multi else "{candidate}"
    answer_first = named.multi and text.find(labels[0] + ":") < text.find("ANALYSIS")
    return Template(
        name,
        images + asked,
        images="pair" if named.multi else "single",
        readout="rating",
        description=f"MJ-Bench's {name}",
        perspective="quality" if named.perspective == "artifacts" else named.perspective,
        caution="; ".join([*odd_scale, *odd_labels]),
        order="answer first" if answer_first else "analysis first",
        needs=("prompt text", "candidate image"),
        labels=labels,
        choice=("BETTER IMAGE", "PREFERENCE") if named.multi else (),
        answers=("1", "2") if named.multi else (),
        ties=("0",) if named.multi else (),
        scale=scale,
        fence=False,
        published=True,
    )


def _caption_as_prompt(text: str) -> str:
    """The text with {prompt} for {caption}, of which there must be one or more and nothing else."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise TemplateError(f"text: {error}; expected {{{{ and }}}} for braces") from error
    found = [(name, form, conversion) for _, name, form, conversion in parsed if name is not None]
    if set(found) != {("caption", "", None)}:
        told = ", ".join(f"{{{name}}}" for name, _, _ in found) or "none"
        raise TemplateError(f"text: placeholders {told}; expected {{caption}} and no other")
    return "".join(
        words.replace("{", "{{").replace("}", "}}") + ("" if name is None else "{prompt}")
        for words, name, _, _ in parsed
    )


def _scale(text: str, named: _Named) -> tuple[Scale, list[str]]:
    """The scale that the text offers, and what is odd about it."""
    if named.narrative:
        offered = [tuple(re.findall(r'"([^"]+)"', found)) for found in WORDS.findall(text)]
        if len(set(offered)) != 1:
            raise TemplateError(f"text: {len(set(offered))} lists of words, expected one scale")
        scale = Scale(1, len(offered[0]), offered[0])
    else:
        scale = _numbers(text)
    low, high = SCALES[named.size]
    if (scale.low, scale.high) == (low, high):
        return scale, []
    odd = f"the name promises ratings of {low} to {high}, the text offers {scale.low} to"
    return scale, [f"{odd} {scale.high}, by which answers are read"]


def _numbers(text: str) -> Scale:
    lists = [[int(one) for one in found.split(",")] for found in NUMBERS.findall(text)]
    offered = {(min(one), max(one)) for one in lists if one != [0, 1, 2]}
    offered |= {(int(low), int(high)) for low, high in BOUNDS.findall(text)}
    if len(offered) != 1:
        told = ", ".join(f"{low} to {high}" for low, high in sorted(offered)) or "none"
        raise TemplateError(f"text: scales offered: {told}; expected one, as [1, 2, 3, 4, 5]")
    ((low, high),) = offered
    try:
        return Scale(low, high)
    except ValueError as error:
        raise TemplateError(f"text: {error}") from error


def _labels(text: str, named: _Named) -> tuple[tuple[str, ...], list[str]]:
    """Headings of the ratings, and what is odd about those that the text names."""
    if named.multi:
        labels = ("IMAGE-1 RATING", "IMAGE-2 RATING")
        if missing := [label for label in labels if label not in text]:
            raise TemplateError(f"text: does not ask for {' and '.join(missing)}")
        return labels, []
    forms = LABEL_IN_FORM.findall(text)
    if not forms:
        raise TemplateError("text: no form to be filled in with a ...RATING")
    label = forms[-1]
    odd = []
    if others := dict.fromkeys(one for one in LABEL_IN_PROSE.findall(text) if one != label):
        odd.append(f"the text asks for {' and '.join(others)}, its form for {label}, which is read")
    if label not in LABELS[named.perspective]:
        odd.append(f"the name says {named.perspective}, the text asks for {label}")
    return (label,), odd
