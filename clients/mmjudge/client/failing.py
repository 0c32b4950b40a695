"""Telling a caller who wanted numbers that an item has none, and why."""

from collections.abc import Sequence
from typing import Literal

from mmjudge.contract import Abstention, Error, ItemAbstained, ItemFailed, NotJudged, Verdict

OnFailure = Literal["raise", "nan"]
"""What becomes of an item that was not judged: an exception, or NaN in the arrays."""

OnFailedRow = Literal["raise", "mask"]
"""What becomes of a row that was not judged: an exception, or False in all of its mask."""


def check_on_failure(on_failure: str, otherwise: str = "nan") -> None:
    """Raise ValueError for anything but "raise" and `otherwise`."""
    if on_failure not in ("raise", otherwise):
        raise ValueError(f"on_failure is {on_failure!r}, expected 'raise' or {otherwise!r}")


def first_failure(
    verdicts: Sequence[Verdict],
    item_ids: Sequence[str],
    judge: str,
    fingerprint: str,
    remedy: str = "on_failure='nan' gives NaN",
) -> NotJudged | None:
    """Return the error for the first verdict that is no judgement; None when all are.

    `remedy` ends its message: how to get the others' values all the same.
    """
    failed = [i for i, verdict in enumerate(verdicts) if verdict.judgement is None]
    if not failed:
        return None
    index, others = failed[0], len(failed) - 1
    match verdicts[index].outcome:
        case Error(code, reason, message, field):
            kind: type[NotJudged] = ItemFailed
            what = f"failed with {reason or code.name}"
        case Abstention(why, message, _, field):
            kind, what = ItemAbstained, f"got no answer ({why.name})"
        case _:
            return None
    item = f"item {index}" + (f" ({item_ids[index]!r})" if item_ids[index] else "")
    text = f"{item} {what} from judge {judge!r}"
    text += f", at {field}: {message}" if field else f": {message}"
    others_text = f"{others} other item{'s' * (others != 1)} of {len(verdicts)} failed too"
    return kind(
        f"{text} [{others_text if others else 'no other item failed'}; {remedy}]",
        index=index,
        item_id=item_ids[index],
        judge=judge,
        fingerprint=fingerprint,
        field=field,
    )
