"""The choice between candidates, under a label, in double brackets, or alone."""

import re
from collections.abc import Sequence
from functools import partial

from mmjudge.judges.answers.answer import Choice, Unreadable
from mmjudge.judges.answers.find import agreed, alone, find, without_thoughts
from mmjudge.judges.answers.option_value import read_option
from mmjudge.judges.answers.quotations import Quotations
from mmjudge.judges.answers.read_value import ReadValue, unreadable
from mmjudge.judges.answers.value_marks import nothing_more

# The form of SIMA's critic and of many text judges.
_BRACKETED = re.compile(r"\[\[([^\[\]\n]{1,40})\]\]")


def read_choice(
    text: str,
    labels: Sequence[str],
    names: Sequence[str],
    ties: Sequence[str] = (),
    quoted: Sequence[str] = (),
) -> Choice:
    """Read which of the candidates a judge's answer chooses.

    labels: headings of the choice, any of which will do; names, ties: what stands for each
    candidate and for a tie; quoted: the texts that were judged, quotations of which are no choice.
    Raises Unreadable (UNPARSEABLE) without a choice, with two different ones, and for an answer
    that will not choose where there are no ties.
    """
    read: ReadValue[int | None] = partial(read_option, names=tuple(names), ties=tuple(ties))
    found = find(text, labels, read, quoted)
    said = [value for values in found.values for value in values]
    said += _bracketed(without_thoughts(text), read, quoted)
    if said:
        return Choice(agreed("the choice", said, partial(_told, names)), found.rationale)
    if only := alone(text, read):
        return Choice(only.value)
    raise unreadable(f"no choice of {', '.join((*names, *ties))} in the answer")


def _bracketed(
    text: str, read: ReadValue[int | None], quoted: Sequence[str]
) -> list[int | None | Unreadable]:
    quotations = Quotations(text, quoted)
    said: list[int | None | Unreadable] = []
    for match in _BRACKETED.finditer(text):
        if quotations.cover(match.start(), match.end()):
            continue
        try:
            found = read(match[1])
        except Unreadable as error:
            said.append(error)
        else:
            said += [found.value] if found and nothing_more(match[1], found.length) else []
    return said


def _told(names: Sequence[str], chosen: int | None) -> str:
    return "a tie" if chosen is None else names[chosen]
