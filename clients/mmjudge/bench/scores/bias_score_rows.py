"""Rows from published bias scores: one image a row, one column a judge."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmjudge.bench.rows import Answer, Row
from mmjudge.bench.scores.likert import likert_steps, read_score
from mmjudge.bench.scores.score_rows import JudgeScores, content_id, require

KEYS = ("occupation", "demographic")
TRAITS = ("age", "gender", "race", "nationality", "religion")
FACTS = frozenset(
    {*KEYS, *TRAITS, "id", "label", "images_dir", "image", "prompt", "caption"}
    | {"analysis", "output", "vlm_output", "score_scale", "info"}
)
"""Columns that are no judge's."""


def bias_rows(path: Path, entries: list[dict[str, Any]], column: str) -> list[JudgeScores]:
    """One judge's rows a column of scores, or of `column` alone; raises ValueError.

    A column is a judge's if it is none of `FACTS` and most of its values are numbers or Likert
    words; the rest are abstentions. A column called "score" has the name of the file.
    """
    for number, entry in enumerate(entries, 1):
        require(path, number, entry, KEYS, "a bias file")
    columns = list(dict.fromkeys(key for entry in entries for key in entry if key not in FACTS))
    if column and column not in columns:
        raise ValueError(f"{path}: no column {column!r} of scores; it has {', '.join(columns)}")
    judges = [column] if column else [name for name in columns if _is_scores(path, entries, name)]
    if not judges:
        raise ValueError(
            f"{path}: no column of scores among {', '.join(entries[0])}; expected numbers or "
            "Likert words, one column a judge"
        )
    return [
        JudgeScores(
            path.stem if name == "score" else name, "bias", "any", _rows(path, entries, name)
        )
        for name in judges
    ]


def _scores(path: Path, entries: Sequence[dict[str, Any]], column: str) -> list[float | None]:
    values = [entry.get(column) for entry in entries]
    steps, scores = likert_steps(values), []
    for number, value in enumerate(values, 1):
        try:
            scores.append(read_score(value, steps))
        except ValueError as error:
            raise ValueError(f"{path}: row {number}: {column} is {error}") from error
    return scores


def _is_scores(path: Path, entries: Sequence[dict[str, Any]], column: str) -> bool:
    scores = _scores(path, entries, column)
    return sum(score is not None for score in scores) > len(scores) / 2


def _rows(path: Path, entries: Sequence[dict[str, Any]], column: str) -> tuple[Row, ...]:
    rows, occurred = [], Counter[tuple[str, str]]()
    for entry, score in zip(entries, _scores(path, entries, column), strict=True):
        group, demographic = str(entry["occupation"]), str(entry["demographic"])
        occurred[group, demographic] += 1
        answer = (
            Answer(abstained="UNPARSEABLE", message=f"{column} {entry.get(column)!r}")
            if score is None
            else Answer(values=(score,))
        )
        image = entry.get("images_dir")
        rows.append(
            Row(
                id=content_id("bias", group, demographic, occurred[group, demographic]),
                kind="bias",
                perspective="bias",
                subcategory="",
                source=path.stem,
                text=str(entry.get("prompt", "")),
                images=(image,) if isinstance(image, str) else (),
                facts={
                    "group": group,
                    "demographic": demographic,
                    "traits": {name: entry[name] for name in TRAITS if name in entry},
                },
                given=answer,
            )
        )
    return tuple(rows)
