"""Who competes: a judge for every perspective, and whether pairs are valued or compared."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Literal

from mmjudge.bench.records import Kind, Record
from mmjudge.bench.results import AskedJudge, Orders
from mmjudge.contract import Hosting, JudgeInfo, Want

ORDER_TOLD = "order of pairs"
"""What a judge that shows two candidates in one question says in its provenance: in which order."""

ONE_BY_ONE = frozenset(
    ("aesthetic", "blip", "calibrated", "clip", "ensemble", "hps", "image_reward", "mmie",
     "pickscore", "step_alignment", "token_alignment", "visual_dependence", "vlm")
)  # fmt: skip
"""Kinds known to value each candidate by itself, unless their provenance tells of pairs."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A name that competes, and its judge for each perspective that it takes part in.

    left_out: perspectives that its judge cannot judge, and why.
    """

    name: str
    judges: Mapping[str, AskedJudge]
    left_out: Mapping[str, str]


def perspectives_of(records: Iterable[Record]) -> dict[str, Kind]:
    """The perspectives there are, in their order, and what is asked about in each.

    Raises ValueError where one perspective has records of several kinds.
    """
    kinds: dict[str, Kind] = {}
    for record in records:
        if kinds.setdefault(record.perspective, record.kind) != record.kind:
            raise ValueError(
                f"perspective {record.perspective!r} has records of kind "
                f"{kinds[record.perspective]!r} and {record.kind!r}, expected one"
            )
    return kinds


def wanted(judge: AskedJudge) -> Want:
    """What is asked of the judge: PREFERENCE where it is shown pairs in an order, else SCORE."""
    return Want.SCORE if judge.orders == "any" else Want.PREFERENCE


def contender(
    pattern: str,
    perspectives: Mapping[str, Kind],
    hosting: Hosting,
    *,
    orders: Literal["both", "given"] = "both",
    one_by_one: Collection[str] = (),
) -> Contender:
    """The contender of that name: one judge for all perspectives, or "qwen-{perspective}".

    A judge that values candidates one by one is asked for scores, one that compares them for a
    preference in these `orders`; "given" if it asks in both orders by itself (`debias`), which
    twice over would tell nothing new. Plug-ins that give both may do either: they are taken for
    comparing, unless they are among `one_by_one`, the names of judges known not to compare.

    Raises ValueError for a placeholder other than {perspective}, a judge that is not hosted, one
    of `one_by_one` that compares, and where no perspective is left.
    """
    _check_placeholders(pattern)
    judges, left_out = dict[str, AskedJudge](), dict[str, str]()
    for perspective, kind in perspectives.items():
        name = pattern.format(perspective=perspective)
        if name not in hosting.judges:
            hosted = ", ".join(sorted(hosting.judges)) or "no judges"
            raise ValueError(f"judge {name!r}: not hosted, for {perspective}; hosted are: {hosted}")
        info = hosting.judges[name]
        found = _orders(info, kind, orders, name in one_by_one)
        if found is None:
            left_out[perspective] = _reason(info, kind)
        else:
            judges[perspective] = AskedJudge(
                name, info.kind, info.fingerprint, found, info.description, info.caution
            )
    if not judges:
        told = "; ".join(f"{perspective}: {why}" for perspective, why in left_out.items())
        raise ValueError(f"judge {pattern!r} can judge none of the perspectives: {told}")
    return Contender(pattern, judges, left_out)


def _check_placeholders(pattern: str) -> None:
    try:
        fields = list(Formatter().parse(pattern))
    except ValueError as error:
        raise ValueError(f"judge {pattern!r}: {error}; expected {{perspective}}") from error
    for _, name, form, conversion in fields:
        if name is not None and (name != "perspective" or form or conversion):
            raise ValueError(
                f"judge {pattern!r}: unknown placeholder {{{name}}}, expected {{perspective}}"
            )


def _orders(
    info: JudgeInfo, kind: Kind, orders: Literal["both", "given"], one_by_one: bool
) -> Orders | None:
    """How it is shown such records; None if it cannot judge them."""
    shown = {value for key, value in info.provenance.items() if _tells_order(key)}
    compares = bool(shown) or Want.SCORE not in info.wants
    if compares and one_by_one:
        raise ValueError(f"judge {info.name!r} compares candidates: it cannot be asked one by one")
    if kind != "pair":
        return None if compares else "any"
    if Want.PREFERENCE not in info.wants:
        return None if compares else "any"
    if not compares and (one_by_one or info.kind in ONE_BY_ONE):
        return "any"
    return "given" if shown == {"both"} else orders


def _tells_order(key: str) -> bool:
    # A judge over judges tells of theirs as "part.order of pairs".
    return key == ORDER_TOLD or key.endswith(f".{ORDER_TOLD}")


def _reason(info: JudgeInfo, kind: Kind) -> str:
    if not {Want.SCORE, Want.PREFERENCE} & set(info.wants):
        gives = ", ".join(want.name for want in info.wants)
        return f"judge {info.name!r} gives {gives} only, neither scores nor preferences"
    what = "image" if kind == "bias" else "answer"
    return f"judge {info.name!r} compares candidates, and here each {what} stands alone"
