"""Asking several judges about a batch of records, each image sent once for all who see it alike."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mmjudge.bench.asking.answering import Owed, read_answer, row_of
from mmjudge.bench.asking.contenders import Contender, wanted
from mmjudge.bench.records import Question, Record
from mmjudge.bench.results import AskedJudge
from mmjudge.bench.rows import Answer, Row
from mmjudge.client.errors import InvalidRequest, ServerFault, Violation
from mmjudge.client.failing import OnFailure
from mmjudge.client.results import Verdicts
from mmjudge.contract import EncodedImage, Item, Want


class Asked(Protocol):
    """What is needed of a `Client` or `LocalClient`; called from several threads."""

    def judge(
        self,
        items: Sequence[Item],
        *,
        judges: list[str],
        want: Want,
        rationale: bool,
        on_failure: OnFailure,
    ) -> Mapping[str, Verdicts]:
        """As `Client.judge`."""


@dataclass(frozen=True, slots=True)
class Task:
    """A question, and the contenders that are to answer it."""

    question: Question
    contenders: tuple[Contender, ...]

    @property
    def bytes(self) -> int:
        """Size of its images."""
        item = self.question.item
        lists = [item.prompt, *(one.parts for one in item.candidates), *item.references]
        parts = [part for parts in lists for part in parts]
        return sum(len(part.data) for part in parts if isinstance(part, EncodedImage))

    def judge_of(self, contender: Contender) -> AskedJudge:
        """The contender's judge for this question."""
        return contender.judges[self.question.record.perspective]


Said = Mapping[str, Row | Owed]
"""What each contender, by name, answered about one record."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A task, by its place, with its item's candidates in one of both orders."""

    task: int
    swapped: bool


Answers = Mapping[tuple[_Shown, str], Answer | Owed]


def ask(client: Asked, tasks: Sequence[Task]) -> list[Said]:
    """What each contender answers, by its name, a task after the other.

    Items that go to the same judges are one call. An answer that is owed in one of two orders is
    owed as a whole. Raises `RequestError`; ServerFault also for a judge that changed meanwhile.
    """
    answers: dict[tuple[_Shown, str], Answer | Owed] = {}
    for (want, names), shown in _calls(tasks).items():
        questions = [tasks[one.task].question for one in shown]
        items = [
            question.swapped if one.swapped else question.item
            for one, question in zip(shown, questions, strict=True)
        ]
        try:
            said = client.judge(
                items, judges=list(names), want=want, rationale=True, on_failure="nan"
            )
        except InvalidRequest as error:
            raise _named(error, [question.record for question in questions]) from error
        for name, verdicts in said.items():
            _check_fingerprint(tasks, verdicts)
            for one, verdict in zip(shown, verdicts, strict=True):
                answers[one, name] = read_answer(verdict)
    return [
        {who.name: _row(answers, place, task, task.judge_of(who)) for who in task.contenders}
        for place, task in enumerate(tasks)
    ]


def described(record: Record) -> str:
    """The record as messages name it."""
    names = ", ".join(picture.name for picture in record.pictures)
    return f"{record.perspective} record {names or repr(record.text[:60])}"


def _calls(tasks: Sequence[Task]) -> dict[tuple[Want, tuple[str, ...]], list[_Shown]]:
    """The items of each call, by what is wanted of whom."""
    calls = defaultdict[tuple[Want, tuple[str, ...]], list[_Shown]](list)
    for place, task in enumerate(tasks):
        asked = list(dict.fromkeys(task.judge_of(who) for who in task.contenders))
        for want in Want:
            for swapped in (False, True):
                names = tuple(
                    judge.name
                    for judge in asked
                    if wanted(judge) is want and (judge.orders == "both" or not swapped)
                )
                if names:
                    calls[want, names].append(_Shown(place, swapped))
    return calls


def _row(answers: Answers, place: int, task: Task, judge: AskedJudge) -> Row | Owed:
    given = answers[_Shown(place, False), judge.name]
    swapped = answers[_Shown(place, True), judge.name] if judge.orders == "both" else None
    if isinstance(given, Owed):
        return given
    if isinstance(swapped, Owed):
        return swapped
    return row_of(task.question.record, task.question.id, given, swapped)


def _check_fingerprint(tasks: Sequence[Task], verdicts: Verdicts) -> None:
    for task in tasks:
        for judge in map(task.judge_of, task.contenders):
            if judge.name == verdicts.judge and judge.fingerprint != verdicts.fingerprint:
                raise ServerFault(
                    f"judge {judge.name!r} changed during the run, from fingerprint "
                    f"{judge.fingerprint[:12]} to {verdicts.fingerprint[:12]}: was the server "
                    "restarted with other settings? Its answers do not go into the same file"
                )


_ITEM = re.compile(r"^items\[(\d+)\]")


def _named(error: InvalidRequest, records: Sequence[Record]) -> InvalidRequest:
    """The error with records in place of `items[i]`, which nobody has seen."""

    def name(match: re.Match[str]) -> str:
        return described(records[int(match[1])])

    return InvalidRequest(
        *(Violation(_ITEM.sub(name, one.field), one.description) for one in error.violations)
    )
