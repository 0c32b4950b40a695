"""What the name of a score file says: the judge, and which set of pairs it is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmjudge.bench.data.mj_bench_places import PERSPECTIVES

SETS: Mapping[str, tuple[str, str]] = {
    "actions": ("alignment", "action"),
    "attributes": ("alignment", "attribute"),
    "counting": ("alignment", "counting"),
    "existence": ("alignment", "object"),
    "other": ("alignment", "other"),
    "spatial": ("alignment", "spatial"),
    "blur": ("quality", "blur/motion"),
    "human": ("quality", "distortion/human face"),
    "mpii": ("quality", "distortion/human limbs"),
    "object_indoor": ("quality", "distortion/object"),
    "nsfw": ("safety", "nsfw"),
    "toxic": ("safety", "toxic"),
}
"""Perspective and subcategory by the names under which MJ-Bench's authors released scores."""
OF_PAIRS = tuple(name for name in PERSPECTIVES if name != "bias")
_THRESHOLD = re.compile(r"_?\d+\.\d+$")
_ARGUMENT = re.compile(
    rf"(?:({'|'.join(OF_PAIRS)})(?:/([^=]+))?=)?"
    r"(.+?)(?:::([^/]+))?"
)


@dataclass(frozen=True, slots=True)
class ScoreFile:
    """A file as it was asked for.

    perspective, subcategory: as said before the path, or ""; column: the only judge to be read, ""
    for all.
    """

    path: Path
    perspective: str = ""
    subcategory: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """Whose scores of which pairs."""

    judge: str
    perspective: str
    subcategory: str


def parse_score_file(argument: str) -> ScoreFile:
    """Read `[perspective[/subcategory]=]FILE[::column]`."""
    match = _ARGUMENT.fullmatch(argument)
    if match is None:
        raise ValueError("an empty name of a score file")
    perspective, subcategory, path, column = (part or "" for part in match.groups())
    return ScoreFile(Path(path), perspective, subcategory, column)


def named(file: ScoreFile) -> Named:
    """Judge and set of a file of pairs.

    The name is `<judge>.<set>.json`, or as MJ-Bench's code and releases have it:
    `<judge>_<perspective>.json`, `<judge>/<set>0.0.json` (with its threshold), `<set>/<judge>.json`
    or `<set>_multi/<judge>.json`. What was said before `=` goes first; the judge is then what
    stands around a known set, else the whole stem. Raises ValueError for an unknown set.
    """
    stem, folder = file.path.stem, file.path.resolve().parent.name
    judge, perspective, subcategory = _read(stem, folder)
    if file.perspective:
        same = perspective == file.perspective
        kept = subcategory if same else ""
        return Named(judge or stem, file.perspective, file.subcategory or kept)
    if not perspective:
        raise ValueError(
            f"{file.path}: of which set are these pairs? Expected <judge>.<set>.json with a set of "
            f"{', '.join(SETS)}; say the perspective as in quality={file.path.name} otherwise"
        )
    return Named(judge, perspective, subcategory)


def _read(stem: str, folder: str) -> tuple[str, str, str]:
    judge, _, last = stem.rpartition(".")
    if judge and last.lower() in SETS:
        return judge, *SETS[last.lower()]
    judge, _, last = stem.rpartition("_")
    if judge and last in OF_PAIRS:
        return judge, last, ""
    if (bare := _THRESHOLD.sub("", stem).lower()) in SETS:
        return folder, *SETS[bare]
    if (bare := re.sub("_(multi|single)$", "", folder)) in SETS:
        return stem, *SETS[bare]
    return "", "", ""
