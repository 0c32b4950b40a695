"""Existing score files as results, so that figures need no server."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from mmjudge.bench.results import AskedJudge, Header, Orders, Results
from mmjudge.bench.scores.bias_score_rows import bias_rows
from mmjudge.bench.scores.pair_score_rows import pair_rows
from mmjudge.bench.scores.score_names import ScoreFile, named, parse_score_file
from mmjudge.bench.scores.score_rows import JudgeScores, parse_objects

KIND = "score file"


@dataclass(frozen=True, slots=True)
class _Part:
    """One judge's scores in one file, and the digest of what they were read from."""

    path: Path
    digest: str
    scores: JudgeScores


def read_scores(files: Sequence[str | Path]) -> list[Results]:
    """Read score files; those of one judge become one result, judges in the order they come.

    files: each `[perspective[/subcategory]=]FILE[::column]`, as `parse_score_file`. A file with an
    `occupation` in its rows is of bias, one with `score_0` and `score_1` of pairs, whose judge and
    set its name tells (`named`). A judge's fingerprint is over the bytes of all its files; min-max
    goes by file. Raises OSError, and ValueError naming file, row and what was expected.
    """
    judges: dict[str, list[_Part]] = {}
    for given in files:
        for part in _parts(parse_score_file(str(given))):
            judges.setdefault(part.scores.judge, []).append(part)
    return [_results(judge, parts) for judge, parts in judges.items()]


def _parts(file: ScoreFile) -> list[_Part]:
    data = file.path.read_bytes()
    entries = parse_objects(file.path, data)
    if "occupation" in entries[0]:
        found = bias_rows(file.path, entries, file.column)
        digests = [sha256(data + b"\0" + scores.judge.encode()).hexdigest() for scores in found]
    elif "score_0" in entries[0] or "label" in entries[0]:
        if file.column:
            raise ValueError(f"{file.path}: column {file.column!r} of pairs; only bias has columns")
        found, digests = [pair_rows(file.path, entries, named(file))], [sha256(data).hexdigest()]
    else:
        raise ValueError(
            f"{file.path}: row 1 has {', '.join(entries[0])}; expected score_0, score_1 and label "
            "of pairs, or occupation, demographic and a judge's scores of bias"
        )
    return [_Part(file.path, digest, scores) for digest, scores in zip(digests, found, strict=True)]


def _results(judge: str, parts: Sequence[_Part]) -> Results:
    first: dict[str, Path] = {}
    orders: dict[str, Orders] = {}
    for part in parts:
        for row in part.scores.rows:
            if row.id in first:
                raise ValueError(
                    f"{judge}: {part.path} has a {row.kind} that {first[row.id]} has too; "
                    "read them one by one"
                )
            first[row.id] = part.path
        known = orders.setdefault(part.scores.perspective, part.scores.orders)
        if known != part.scores.orders:
            raise ValueError(
                f"{judge}: {part.path} has {_TOLD[part.scores.orders]}, another file of "
                f"{part.scores.perspective} {_TOLD[known]}; read them one by one"
            )
    rows = tuple(row for part in parts for row in part.scores.rows)
    digest = sha256("".join(sorted(part.digest for part in parts)).encode()).hexdigest()
    names = ", ".join(dict.fromkeys(str(part.path) for part in parts))
    asked = {
        perspective: AskedJudge(judge, KIND, digest, order, f"scores of {names}")
        for perspective, order in orders.items()
    }
    header = Header("mjbench", judge, asked, names, len(rows), digest)
    path = parts[0].path
    return Results(path, header, rows, path.stat().st_size)


_TOLD = {"any": "scores", "given": "choices of a judge that saw both images"}
