"""Verdicts to and from `mmjudge.v1`."""

from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from mmjudge.contract.errors import Error, ErrorCode
from mmjudge.contract.tensors import decode_tensor, encode_tensor
from mmjudge.contract.verdicts import (
    Abstention,
    AbstentionReason,
    Grid,
    Judgement,
    Note,
    Score,
    Timing,
    Verdict,
)
from mmjudge.v1 import media_pb2
from mmjudge.v1 import verdict_pb2 as pb


def verdict_to_proto(verdict: Verdict) -> pb.Verdict:
    """Encode for the wire."""
    message = pb.Verdict(
        notes=[pb.Note(code=n.code, field=n.field, message=n.message) for n in verdict.notes]
    )
    match verdict.outcome:
        case Judgement() as judgement:
            message.judgement.CopyFrom(
                pb.Judgement(
                    scores=[_score_to_proto(score) for score in judgement.scores],
                    ranks=judgement.ranks,
                    rationale=judgement.rationale,
                    raw_text=judgement.raw_text,
                )
            )
        case Abstention(reason, text, raw_text, field):
            message.abstention.CopyFrom(
                pb.Abstention(
                    reason=f"ABSTENTION_REASON_{reason.name}",
                    message=text,
                    raw_text=raw_text,
                    field=field,
                )
            )
        case Error(code, reason, text, field):
            message.error.CopyFrom(
                pb.Error(code=f"ERROR_CODE_{code.name}", reason=reason, message=text, field=field)
            )
    return message


def verdict_from_proto(message: pb.Verdict) -> Verdict:
    """Decode from the wire; raises `ItemError` for a bad tensor, ValueError for no outcome."""
    notes = tuple(Note(note.code, note.message, note.field) for note in message.notes)
    match message.WhichOneof("outcome"):
        case "judgement":
            judgement = message.judgement
            scores = tuple(
                _score_from_proto(score, f"scores[{i}]") for i, score in enumerate(judgement.scores)
            )
            return Verdict(
                Judgement(scores, tuple(judgement.ranks), judgement.rationale, judgement.raw_text),
                notes,
            )
        case "abstention":
            it = message.abstention
            reason = AbstentionReason(it.reason)
            return Verdict(Abstention(reason, it.message, it.raw_text, it.field), notes)
        case "error":
            error = message.error
            return Verdict(
                Error(ErrorCode(error.code), error.reason, error.message, error.field), notes
            )
        case _:
            raise ValueError("verdict without an outcome")


def timing_to_proto(timing: Timing) -> pb.Timing:
    """Encode for the wire, seconds as durations."""

    def duration(seconds: float) -> Duration:
        message = Duration()
        message.FromTimedelta(timedelta(seconds=seconds))
        return message

    return pb.Timing(
        queue=duration(timing.queue),
        preprocess=duration(timing.preprocess),
        inference=duration(timing.inference),
    )


def timing_from_proto(timing: pb.Timing) -> Timing:
    """Decode from the wire, durations as seconds."""
    return Timing(
        queue=timing.queue.ToTimedelta().total_seconds(),
        preprocess=timing.preprocess.ToTimedelta().total_seconds(),
        inference=timing.inference.ToTimedelta().total_seconds(),
    )


def _score_to_proto(score: Score) -> pb.Score:
    grid = None
    if score.grid is not None:
        left, top, right, bottom = score.grid.box
        box = pb.Box(left=left, top=top, right=right, bottom=bottom)
        grid = pb.Grid(rows=score.grid.rows, columns=score.grid.columns, box=box)
    return pb.Score(
        value=score.value,
        by_criterion=[
            pb.CriterionScore(criterion=name, value=value)
            for name, value in score.by_criterion.items()
        ],
        spans=_tensor(score.spans),
        span_values=_tensor(score.span_values),
        regions=_tensor(score.regions),
        grid=grid,
        rationale=score.rationale,
        raw_text=score.raw_text,
    )


def _score_from_proto(score: pb.Score, field: str) -> Score:
    def array(name: str) -> NDArray[Any] | None:
        if not score.HasField(name):
            return None
        return decode_tensor(getattr(score, name), field=f"{field}.{name}")

    grid = None
    if score.HasField("grid"):
        box = score.grid.box
        grid = Grid(score.grid.rows, score.grid.columns, (box.left, box.top, box.right, box.bottom))
    return Score(
        value=score.value if score.HasField("value") else None,
        by_criterion={part.criterion: part.value for part in score.by_criterion},
        spans=array("spans"),
        span_values=array("span_values"),
        regions=array("regions"),
        grid=grid,
        rationale=score.rationale,
        raw_text=score.raw_text,
    )


def _tensor(array: NDArray[Any] | None) -> media_pb2.Tensor | None:
    return None if array is None else encode_tensor(array)
