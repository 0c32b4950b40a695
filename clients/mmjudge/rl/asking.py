"""One verdict a sample from every judge, though the samples of a prompt go as one item."""

from collections.abc import Sequence
from dataclasses import replace

from mmjudge.client import Client, Item, Limits, Verdicts
from mmjudge.client.row_verdicts import by_row, failed_in_company, replaced
from mmjudge.rl.groups import group
from mmjudge.rl.samples import Sample


def ask(
    client: Client,
    samples: Sequence[Sample],
    judges: Sequence[str] | None,
    criteria: str | Sequence[str],
    limits: Limits,
) -> dict[str, Verdicts]:
    """Return each judge's verdicts on `samples`, one a sample, in their order; in one upload.

    judges: their names, None for the server's only one. limits: what the server lets through.
    A response that cannot be judged fails its whole item, so the judge that failed is asked again
    for that item's samples one by one: the others keep their rewards, and the reason its place.
    """
    groups = group(samples, limits)
    asked = list(judges) if judges is not None else None
    if asked is None:
        only = client.judge(groups.items, criteria=criteria, on_failure="nan")
        answers = {only.judge: only}
    else:
        answers = client.judge(groups.items, judges=asked, criteria=criteria, on_failure="nan")
    order = [place for places in groups.places for place in places]
    return {
        name: _in_order(_alone(client, verdicts, samples, order, criteria), order)
        for name, verdicts in answers.items()
    }


def _alone(
    client: Client,
    verdicts: Verdicts,
    samples: Sequence[Sample],
    order: Sequence[int],
    criteria: str | Sequence[str],
) -> Verdicts:
    rows = by_row(verdicts)
    again = failed_in_company(verdicts)
    if not again:
        return rows
    items = [item for row in again for item in group([samples[order[row]]]).items]
    return replaced(rows, again, _judged(client, items, verdicts.judge, criteria))


def _judged(
    client: Client, items: list[Item], judge: str, criteria: str | Sequence[str]
) -> Verdicts:
    return client.judge(items, judges=judge, criteria=criteria, on_failure="nan")


def _in_order(rows: Verdicts, order: Sequence[int]) -> Verdicts:
    verdicts = list(rows.verdicts)
    for row, place in enumerate(order):
        verdicts[place] = rows.verdicts[row]
    return replace(rows, verdicts=tuple(verdicts))
