"""The same vision-language model asked for ratings on several scales (MJ-Bench, Table 5)."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

SCALES = ("numeric-5", "numeric-10", "likert-5", "likert-10", "expected-5")
"""Ratings as numbers, as words, and expected over the probabilities of the numbers 1 to 5."""

# numeric-5 is not in numeric-50, nor in xnumeric-5.
_TOLD = {scale: re.compile(rf"(?<![\w]){scale}(?![\w])") for scale in SCALES}

RATED = ("alignment", "safety", "quality", "bias")
"""The perspectives that there are templates for."""


def scale_judges(
    name: str, generator: Mapping[str, Any], perspectives: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Tables of `vlm` judges over one generator, to host: one a perspective and scale.

    name: begins the judges' names, `NAME-{scale}-{perspective}`; generator: "model" and whatever
    else a server's configuration says of it.
    """
    return {
        _name(name, scale).format(perspective=perspective): {
            "kind": "vlm",
            **generator,
            "template": f"{perspective}-{'' if scale == 'expected-5' else 'single-'}{scale}",
        }
        for scale in SCALES
        for perspective in perspectives
    }


def scale_contenders(pattern: str) -> dict[str, str]:
    """Patterns of judges' names, in which {scale} is filled in, and the scale of each.

    Raises ValueError for a pattern without {scale} or {perspective}.
    """
    for placeholder in ("{scale}", "{perspective}"):
        if placeholder not in pattern:
            raise ValueError(
                f"judge {pattern!r}: no {placeholder}; expected the names of a judge for every "
                "scale and perspective, such as 'qwen-{scale}-{perspective}'"
            )
    return {pattern.replace("{scale}", scale): scale for scale in SCALES}


def _name(name: str, scale: str) -> str:
    return f"{name}-{scale}-{{perspective}}"


def scales_of(contenders: Sequence[str]) -> dict[str, str]:
    """The scale of each contender that is one of a study: several named alike but for the scale."""
    found = {name: scale for name in contenders for scale in SCALES if _TOLD[scale].search(name)}
    alike = Counter(name.replace(scale, "") for name, scale in found.items())
    return {name: scale for name, scale in found.items() if alike[name.replace(scale, "")] > 1}
