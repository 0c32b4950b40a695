"""Rows from published scores of pairs, and from what judges that saw both images chose."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from mmjudge.bench.data.mj_bench_places import edited_part
from mmjudge.bench.rows import Answer, Row
from mmjudge.bench.scores.likert import likert_steps, read_score
from mmjudge.bench.scores.score_names import Named
from mmjudge.bench.scores.score_rows import JudgeScores, content_id, require

KEYS = ("score_0", "score_1", "label")
LABELS = {"0": 0, "1": 1, "0.5": 0.5, "tie": 0.5}
IMAGES = (
    ("image_0_uid", "image_1_uid"),
    ("image_0_path", "image_1_path"),
    ("sharp_image_path", "motion_blur_image_path"),
)
FIRST, SECOND, EQUAL = (1, 2), (2, 1), (1, 1)
CHOICES: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "of 0, 1, 2": {"0": EQUAL, "1": FIRST, "2": SECOND},
    "an index": {"0": FIRST, "1": SECOND, "tie": EQUAL},
}
"""Ranks by `vlm_pred` in its two published forms: what the judge wrote after BETTER IMAGE, as
MJ-Bench's inference writes it with the `analysis`; and the index of the image, in released files
that have the whole `output` or a `score_pred` beside it."""
_TIE = re.compile(r"BETTER IMAGE:\s*0\b")


def pair_rows(path: Path, entries: list[dict[str, Any]], name: Named) -> JudgeScores:
    """One row a pair, in the file's order; raises ValueError naming file and row.

    Scores decide, unless the judge saw both images and chose: then `vlm_pred` does. `label` is the
    index of the preferred image, 0.5 or "tie" where neither is. Without an `id` a pair's place is
    its id. A `vlm_pred` or `pred` that MJ-Bench computed from the scores is left aside.
    """
    form = _form(entries)
    steps = likert_steps([entry.get(key) for entry in entries for key in ("score_0", "score_1")])
    rows, seen = [], dict[str, int]()
    for number, entry in enumerate(entries, 1):
        require(path, number, entry, KEYS, "a file of pairs")
        published = entry.get("id", number - 1)
        if (first := seen.setdefault(str(published), number)) != number:
            raise ValueError(f"{path}: id {published!r} is in rows {first} and {number}")
        label = LABELS.get(_plain(entry["label"]))
        if label is None:
            raise ValueError(
                f"{path}: row {number}: label {entry['label']!r}, expected 0 or 1 (the index of "
                "the preferred image), or 0.5 for a tie"
            )
        try:
            scores = [read_score(entry[key], steps) for key in ("score_0", "score_1")]
        except ValueError as error:
            raise ValueError(f"{path}: row {number}: score {error}") from error
        text, images = _text(entry, "caption"), _images(entry)
        edited = edited_part(images) if name.perspective == "quality" else ""
        rows.append(
            Row(
                id=content_id(name.perspective, name.subcategory, str(published), text, label),
                kind="pair",
                perspective=name.perspective,
                subcategory=edited or name.subcategory,
                source=path.stem,
                text=text,
                images=images,
                facts={"label": label, "id": published},
                given=_answer(entry, scores, form),
            )
        )
    return JudgeScores(name.judge, name.perspective, "given" if form else "any", tuple(rows))


def _form(entries: list[dict[str, Any]]) -> Literal["", "of 0, 1, 2", "an index"]:
    if any(
        "vlm_pred" in entry and ("output" in entry or "score_pred" in entry) for entry in entries
    ):
        return "an index"
    if any("vlm_pred" in entry and _text(entry, "analysis") for entry in entries):
        return "of 0, 1, 2"
    return ""


def _answer(entry: Mapping[str, Any], scores: list[float | None], form: str) -> Answer:
    values = tuple(score for score in scores if score is not None)
    values = values if len(values) == 2 else ()
    said = _text(entry, "analysis") or _text(entry, "output")
    if not form:
        if values:
            return Answer(values=values, rationale=said)
        told = f"scores {entry['score_0']!r} and {entry['score_1']!r}"
        return Answer(abstained="UNPARSEABLE", message=told, raw_text=said)
    chosen = _plain(entry.get("vlm_pred"))
    ranks = CHOICES[form].get(chosen)
    if chosen == "-1" and _TIE.search(_text(entry, "output")):
        ranks = EQUAL  # 0 less 1, in released files; of refusals they have -1 too
    if ranks is None:
        told = f"vlm_pred {entry.get('vlm_pred')!r}"
        return Answer(abstained="UNPARSEABLE", message=told, raw_text=said)
    return Answer(values=values, ranks=ranks, rationale=said)


def _plain(value: Any) -> str:
    """A label or choice as text; a whole number written as 1.0 is 1."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if isinstance(value, bool) else str(value).strip()


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _images(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of both images, if they are names: MJ-Bench's inference writes Python objects."""
    for keys in IMAGES:
        names = tuple(_text(entry, key) for key in keys)
        if all(names) and not any(name.startswith("<") for name in names):
            return names
    return ()
