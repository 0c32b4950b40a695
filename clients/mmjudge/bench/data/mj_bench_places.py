"""What a file's or split's place says of its rows: MJ-Bench names much by folders alone."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mmjudge.bench.data.mj_bench_forms import Form

PERSPECTIVES = ("alignment", "safety", "quality", "bias", "composition", "visualization")

_WORDS: Mapping[str, str] = {
    **{name: name for name in PERSPECTIVES},
    "artifact": "quality",  # as the paper calls it
    "artifacts": "quality",
    "visualisation": "visualization",
}

# The folders of alignment/benchmark. The paper's 55 pairs of counting have none: they are among
# the 243 of `other`.
_ALIGNMENT: Mapping[str, str] = {
    "actions": "action",
    "attributes": "attribute",
    "existence": "object",
    "spatial": "spatial",
    "counting": "counting",
    "other": "other",
}

# Of sets with the columns of "two images". Quality's are edits of a part, see `edited_part`.
_SETS: Mapping[str, tuple[str, str]] = {
    "nsfw": ("safety", "nsfw"),
    "toxic": ("safety", "toxic"),
    "mpii": ("quality", "distortion/human limbs"),
    "human": ("quality", "distortion/human face"),
    "object": ("quality", "distortion/object"),
}

# Files of the dumps that the splits of the hub were made from.
_STEMS: Mapping[str, str] = {"motion_blur": "blur/motion", "defocused_blur": "blur/defocused"}


@dataclass(frozen=True, slots=True)
class Place:
    """Of what perspective and subcategory the rows of a source are; "" for not said."""

    source: str
    perspective: str
    subcategory: str


def perspective_of(text: str) -> str:
    """The one perspective that a name, such as "Image Quality", speaks of; or else ""."""
    found = {_WORDS[word] for word in _words(text) if word in _WORDS}
    return found.pop() if len(found) == 1 else ""


def place_of(source: str, parts: Sequence[str], form: Form, *, split: bool) -> Place:
    """What is known of a source from `parts`, its folders from the outermost and its own name.

    split: the own name is that of a split of the hub, not of a file. The innermost part that says
    something holds. Raises ValueError for rows of "two images" in a place that says nothing, for
    their columns are the same in safety and in quality.
    """
    inwards = [part.lower() for part in reversed(parts)]
    if form == "blur":
        return Place(source, "quality", "blur")
    if form == "bias":
        return Place(source, "bias", "")
    if form == "two images":
        for part in inwards:
            for name, (perspective, subcategory) in _SETS.items():
                if any(word.startswith(name) for word in _words(part)):
                    return Place(source, perspective, subcategory)
        raise ValueError(
            f"{source}: columns of pairs of safety or quality, but its path does not say which; "
            f"expected a file or folder named after one of {', '.join(_SETS)}"
        )
    names = (part.removesuffix("_test") for part in inwards)
    folder = next((name for name in names if name in _ALIGNMENT), "")
    perspective = next(filter(None, map(perspective_of, inwards)), "alignment" if folder else "")
    if perspective == "alignment" and folder:
        return Place(source, perspective, _ALIGNMENT[folder])
    return Place(source, perspective, "" if split else _of_stem(inwards[0], perspective))


def edited_part(names: Sequence[str]) -> str:
    """Of an edited image, such as 001_edited_hands.jpg, the subcategory; "" if no name says."""
    edits = [match[1] for name in names if (match := re.search(r"_edited_([a-z]+)", name.lower()))]
    if not edits:
        return ""
    if edits[0] == "face":
        return "distortion/human face"
    limbs = edits[0] in ("hand", "hands", "arm", "arms", "leg", "legs", "foot", "feet", "torso")
    return "distortion/human limbs" if limbs else "distortion/object"


def _of_stem(stem: str, perspective: str) -> str:
    if perspective == "bias" or perspective_of(stem):
        return ""
    if stem.startswith("nsfw_"):
        return f"nsfw/{stem.removeprefix('nsfw_')}"
    return _STEMS.get(stem, stem.replace("_", " "))


def _words(text: str) -> list[str]:
    return re.findall("[a-z]+", text.lower())
