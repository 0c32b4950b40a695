"""The spans that a call is about, in the form the caller has them, as bytes of each text."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.client.decoded_offsets import Tokenizer, decoded_offsets
from mmjudge.client.pairing import Texts
from mmjudge.client.token_offsets import Rows, byte_spans, rows_of, to_numpy
from mmjudge.contract import Candidate

Spans = NDArray[np.int32]


def each(rows: Any, texts: Texts, count: int) -> Rows | None:
    """Return one row for each of `count` texts, of one that came for a single `texts`."""
    return [rows] * count if isinstance(texts, str) and rows is not None else rows


def token_candidates(
    texts: Sequence[str], offsets: Rows | None, ids: Rows | None, tokenizer: Tokenizer | None
) -> tuple[list[Candidate], list[Spans]]:
    """Return each text as a candidate with the spans of its tokens, less the empty ones; and all.

    Raises ValueError naming the row for offsets or ids that do not fit its text, and unless just
    one of them is given, ids with their tokenizer.
    """
    if (offsets is None) == (ids is None):
        got = "neither" if ids is None else "both"
        raise ValueError(f"got {got} of offsets and ids, expected one: where the tokens are")
    if (ids is None) != (tokenizer is None):
        raise ValueError("ids need the tokenizer that decodes them, and offsets need none")
    name, rows = ("offsets", offsets) if ids is None else ("ids", ids)
    spans: list[Spans] = []
    for i, (text, row) in enumerate(zip(texts, rows_of(rows, texts, name), strict=True)):
        try:
            where = row if tokenizer is None else _decoded(row, text, tokenizer)
            spans.append(byte_spans(text, where))
        except ValueError as error:
            raise ValueError(f"{name}[{i}]: {error}") from error
        if text.strip() and not len(_filled(spans[i])):
            raise ValueError(f"{name}[{i}]: no token covers any of the text, {text[:40]!r}")
    candidates = [Candidate([text], _filled(row)) for text, row in zip(texts, spans, strict=True)]
    return candidates, spans


def step_candidates(
    texts: Sequence[str], spans: Rows | None, log_probs: Rows | None
) -> list[Candidate]:
    """Return each text as a candidate, with its steps and their log-probabilities if given.

    Raises ValueError for another number of rows, and for log-probabilities without spans.
    """
    if spans is None and log_probs is not None:
        raise ValueError("log_probs without spans: a log-probability belongs to a step of yours")
    steps = [None] * len(texts) if spans is None else rows_of(spans, texts, "spans")
    weights = [None] * len(texts) if log_probs is None else rows_of(log_probs, texts, "log_probs")
    return [
        Candidate([text], _array(step), _array(weight))
        for text, step, weight in zip(texts, steps, weights, strict=True)
    ]


def _array(row: Any) -> NDArray[Any] | None:
    return None if row is None else to_numpy(row)


def _filled(spans: Spans) -> Spans:
    return spans[spans[:, 1] > spans[:, 0]]


def _decoded(row: Any, text: str, tokenizer: Tokenizer) -> NDArray[np.int64]:
    ids = to_numpy(row)
    if ids.size and (ids.ndim != 1 or ids.dtype.kind not in "iu"):
        raise ValueError(f"{ids.dtype} of shape {list(ids.shape)}, expected token ids [tokens]")
    if ids.size and ids.min() < 0:
        raise ValueError(f"{ids.min()} is no token: cut off what marks padding or the prompt")
    return decoded_offsets(ids.astype(int).tolist(), text, tokenizer)
