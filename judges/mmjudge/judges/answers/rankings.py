"""The order of several candidates: `2 > 1 = 3`, or a list with the best first."""

import re
from collections.abc import Sequence
from functools import partial

from mmjudge.contract.verdicts import rank
from mmjudge.judges.answers.find import agreed, alone, find
from mmjudge.judges.answers.option_value import NOUNS
from mmjudge.judges.answers.read_value import Read, shown, unreadable
from mmjudge.judges.answers.value_marks import closing, ends

_OPENING = re.compile(r"[\s*_`\"'“‘(|$]{0,40}")
_ITEM = re.compile(
    rf"[ \t*\"']{{0,5}}(?:{NOUNS}[ \t_#-]{{0,3}})?(\d{{1,4}})(?!\w|\.\d)[*\"']{{0,5}}", re.I
)
_BETTER = re.compile(r"\s{0,3}[>≻=]\s{0,3}")
_COMMA = re.compile(r"\s{0,3},\s{0,3}")


def read_ranking(
    text: str, labels: Sequence[str], count: int, quoted: Sequence[str] = ()
) -> tuple[int, ...]:
    """Read the ranks (1 is best) of `count` candidates, numbered from 1, in their order.

    `2 > 1 = 3` gives (2, 1, 2): candidates that are equal share a rank. labels: headings, any of
    which will do; quoted: the texts that were judged, quotations of which are no answer.
    Raises Unreadable (UNPARSEABLE) unless each candidate stands there exactly once.
    """
    read = partial(_read_order, count=count)
    found = find(text, labels, read, quoted)
    if said := [value for values in found.values for value in values]:
        return agreed("the ranking", said)
    if only := alone(text, read):
        return only.value
    raise unreadable(f"no ranking of {count} candidates in the answer")


def _read_order(written: str, aside: str = "", *, count: int) -> Read[tuple[int, ...]] | None:
    start = _OPENING.match(written)
    place = start.end() if start else 0
    is_list = written.startswith("[", place)
    between = _COMMA if is_list else _BETTER
    if not (item := _ITEM.match(written, place + is_list)):
        return None
    levels = {int(item[1]): 0}
    items, level, place = 1, 0, item.end()
    while (then := between.match(written, place)) and (item := _ITEM.match(written, then.end())):
        level -= "=" not in then[0]
        levels[int(item[1])] = level
        items, place = items + 1, item.end()
    if is_list and not written.startswith("]", place):
        raise unreadable(f"{shown(written)} is no list of candidates")
    if not ends(written, end := closing(written, place)):
        raise unreadable(f"{shown(written)} is no ranking such as 2 > 1 = 3")
    if items != count or set(levels) != set(range(1, count + 1)):
        raise unreadable(f"{shown(written)} does not name each of 1 to {count} exactly once")
    return Read(rank([levels[number] for number in range(1, count + 1)]), end)
