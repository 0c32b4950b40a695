"""Byte spans of a caller's tokens within a candidate's text, and when they are wrong."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import invalid


def check_spans(spans: NDArray[np.int32], text: str, *, field: str) -> None:
    """Check int32 `[n, 2]` spans against the UTF-8 bytes of `text`.

    Empty spans (special tokens) may stand anywhere; filled ones may share bytes, because byte-level
    tokenizers report both halves of a cut character as the whole. Raises `ItemError` naming the
    first bad row: SPAN_BACKWARDS (ends before it starts), SPAN_OUT_OF_TEXT, SPAN_ORDER (starts
    before the filled span ahead of it).
    """
    data = text.encode()
    start, end = spans[:, 0], spans[:, 1]
    _refuse(end < start, "SPAN_BACKWARDS", spans, "ends before it starts", field)
    _refuse(
        (start < 0) | (end > len(data)),
        "SPAN_OUT_OF_TEXT",
        spans,
        f"outside the text's {len(data)} bytes",
        field,
    )
    filled = np.flatnonzero(end > start)
    later = np.zeros(len(spans), bool)
    later[filled[1:]] = start[filled[1:]] < start[filled[:-1]]
    _refuse(later, "SPAN_ORDER", spans, "starts before the span ahead of it", field)


def check_log_probs(log_probs: NDArray[Any], count: int, *, field: str) -> None:
    """Check float32 `[n]` log-probabilities: as many as spans, none above 0."""
    if len(log_probs) != count:
        message = f"{len(log_probs)} values for {count} spans, expected one for each span"
        raise invalid("LOG_PROBS_COUNT", message, field)
    if (log_probs > 0).any():
        first = int(np.argmax(log_probs > 0))
        raise invalid("LOG_PROBS_RANGE", f"{log_probs[first]}, expected <= 0", f"{field}[{first}]")


def _refuse(
    bad: NDArray[np.bool_], reason: str, spans: NDArray[np.int32], why: str, field: str
) -> None:
    if bad.any():
        first = int(np.argmax(bad))
        raise invalid(reason, f"{spans[first].tolist()} {why}", f"{field}[{first}]")
