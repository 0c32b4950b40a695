"""What is asked of the items: which judges, what kind of answer, by which criteria."""

from collections.abc import Sequence
from typing import Literal

from mmjudge.contract import Hosting, Want
from mmjudge.v1 import judge_pb2 as pb

Judges = str | list[str] | tuple[str, ...]
"""One judge by name, or several: one upload for all of them."""

WantName = Literal["score", "preference", "step_rewards", "token_rewards"]


def chosen(judges: Judges | None, hosting: Hosting, want: Want) -> list[str]:
    """Return the names of the judges asked for; for None the only one, or the only one for `want`.

    Raises ValueError when none is named and that leaves a choice, or nothing; TypeError for what
    is no name.
    """
    if judges is None:
        hosted = sorted(hosting.judges)
        giving = [name for name in hosted if want in hosting.judges[name].wants]
        if 1 not in (len(hosted), len(giving)):
            listed = ", ".join(map(repr, giving or hosted)) or "none"
            raise ValueError(f"judges is None and the server hosts {listed}: name one or several")
        return hosted if len(hosted) == 1 else giving
    names = [judges] if isinstance(judges, str) else list(judges)
    if not names:
        raise ValueError("judges is empty, expected at least one name, or None for the only one")
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"judges holds a {type(name).__name__}, expected names")
    return names


def parse_want(want: Want | WantName) -> Want:
    """Return `want` as a `Want`; raises ValueError listing the known ones."""
    if isinstance(want, Want):
        return want
    known = {kind.name.lower(): kind for kind in Want}
    if want not in known:
        raise ValueError(f"want is {want!r}, expected one of {', '.join(map(repr, known))}")
    return known[want]


def request_without_items(
    judges: Sequence[str],
    want: Want | WantName,
    criteria: str | Sequence[str],
    *,
    regions: bool,
    rationale: bool,
    raw_text: bool,
) -> pb.JudgeRequest:
    """Return all of a request but its items."""
    return pb.JudgeRequest(
        judges=judges,
        want=f"WANT_{parse_want(want).name}",
        criteria=[criteria] if isinstance(criteria, str) else criteria,
        options=pb.Options(regions=regions, rationale=rationale, raw_text=raw_text),
    )
