"""What a request as a whole must be, before any of its items is looked at."""

from collections.abc import Mapping

from google.protobuf.message import DecodeError

from mmjudge.contract.errors import InvalidRequest, JudgeNotFound, Violation
from mmjudge.contract.info import Limits
from mmjudge.contract.items import Ask, Want
from mmjudge.judges.judge import Judge
from mmjudge.v1 import judge_pb2 as pb

_WANTS = {int(want): want for want in Want}


def parse_request(data: bytes, stream: bool) -> pb.JudgeRequest:
    """Decode a `JudgeRequest`, or a `JudgeStreamRequest` for what it holds.

    Raises `InvalidRequest` for bytes that are none.
    """
    try:
        if stream:
            return pb.JudgeStreamRequest.FromString(data).request
        return pb.JudgeRequest.FromString(data)
    except DecodeError as error:
        message = f"not a JudgeRequest: cut short, or a text that is not UTF-8 ({error})"
        raise InvalidRequest(Violation("request", message)) from error


def check_request(
    request: pb.JudgeRequest, judges: Mapping[str, Judge], limits: Limits
) -> tuple[list[Judge], Ask]:
    """Return the judges asked and what of them.

    Raises `JudgeNotFound` for a judge that is not hosted, `InvalidRequest` naming every other bad
    field at once.
    """
    for i, name in enumerate(request.judges):
        if name not in judges:
            hosted = ", ".join(sorted(judges))
            raise JudgeNotFound(f"judges[{i}]: no judge is called {name!r}; hosted are: {hosted}")
    asked = [judges[name] for name in dict.fromkeys(request.judges)]
    bad = [*_check_judges(request), *_check_items(request, limits), *_check_want(request, asked)]
    bad += _check_criteria(request, asked)
    if bad:
        raise InvalidRequest(*bad)
    options = request.options
    return asked, Ask(
        want=_WANTS[int(request.want)],
        criteria=tuple(request.criteria),
        regions=options.regions,
        rationale=options.rationale,
        raw_text=options.raw_text,
    )


def _check_judges(request: pb.JudgeRequest) -> list[Violation]:
    if not request.judges:
        return [Violation("judges", "none named, expected at least one")]
    first: dict[str, int] = {}
    return [
        Violation(f"judges[{i}]", f"{name!r} is named twice")
        for i, name in enumerate(request.judges)
        if first.setdefault(name, i) != i
    ]


def _check_items(request: pb.JudgeRequest, limits: Limits) -> list[Violation]:
    count = len(request.items)
    if 1 <= count <= limits.max_items:
        return []
    fix = "split the request" if count else "nothing to judge"
    return [Violation("items", f"{count} items, expected 1 to {limits.max_items}: {fix}")]


def _check_want(request: pb.JudgeRequest, asked: list[Judge]) -> list[Violation]:
    want = _WANTS.get(int(request.want))
    if want is None:
        names = ", ".join(w.name for w in Want)
        return [Violation("want", f"{int(request.want)}, expected one of {names}")]
    return [
        Violation(
            "want",
            f"judge {judge.info.name!r} does not give {want.name}; it gives "
            + ", ".join(w.name for w in judge.info.wants),
        )
        for judge in asked
        if want not in judge.info.wants
    ]


def _check_criteria(request: pb.JudgeRequest, asked: list[Judge]) -> list[Violation]:
    return [
        Violation(
            f"criteria[{i}]",
            f"judge {judge.info.name!r} knows no {criterion!r}; it knows "
            + (", ".join(judge.info.criteria) or "no criteria"),
        )
        for judge in asked
        for i, criterion in enumerate(request.criteria)
        if criterion not in judge.info.criteria
    ]
