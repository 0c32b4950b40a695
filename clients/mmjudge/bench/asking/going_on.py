"""Whether a run may go on with the results of another: it has to ask the same, of the same."""

from dataclasses import replace
from pathlib import Path

from mmjudge.bench.results import AskedJudge, Header


def agreed(path: Path, old: Header, new: Header) -> Header:
    """The header of the file at `path` from now on: the new one, with perspectives of both.

    Judges may be described in other words and the data be elsewhere. Raises ValueError naming all
    else that differs, what was and what is now, and what to do.
    """
    differing = [
        _told(what, was, now)
        for what, was, now in (
            ("benchmark", old.benchmark, new.benchmark),
            ("contender", old.contender, new.contender),
            ("data", _data(old), _data(new)),
        )
        if was != now
    ]
    for perspective in old.judges.keys() & new.judges.keys():
        differing += _between(perspective, old.judges[perspective], new.judges[perspective])
    if differing:
        raise ValueError(
            f"{path} has results of something else: {'; '.join(sorted(differing))}. Write to "
            "another folder, or delete the file to begin anew"
        )
    judges = {**old.judges, **new.judges}
    return replace(new, judges=dict(sorted(judges.items())))


def _between(perspective: str, old: AskedJudge, new: AskedJudge) -> list[str]:
    return [
        _told(f"{what} of {perspective}", was, now)
        for what, was, now in (
            ("judge", old.name, new.name),
            ("fingerprint", old.fingerprint, new.fingerprint),
            ("order of pairs", old.orders, new.orders),
        )
        if was != now
    ]


def _data(header: Header) -> str:
    return f"{header.records} records with digest {header.digest[:12]}"


def _told(what: str, was: str, now: str) -> str:
    return f"{what} was {was}, now {now}"
