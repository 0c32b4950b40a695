"""A caller's tokens as byte spans: from character offsets, as tokenizers report them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Rows = Sequence[Any] | NDArray[Any]
"""One entry a text; any nesting of lists, numpy arrays and torch tensors."""


def rows_of(rows: Any, texts: Sequence[str], name: str) -> list[Any]:
    """Return the rows of `rows`, one a text; raises ValueError for another number of them."""
    found = list(to_numpy(rows)) if hasattr(rows, "__array__") else list(rows)
    if len(found) != len(texts):
        raise ValueError(f"{name} has {len(found)} rows for {len(texts)} texts, expected one each")
    return found


def to_numpy(values: Any) -> NDArray[Any]:
    """Return `values` as an array; a torch tensor may be on any device."""
    # By its methods, because importing torch would cost seconds where it is not there anyway.
    return np.asarray(values.detach().cpu() if hasattr(values, "detach") else values)


def byte_spans(text: str, offsets: ArrayLike) -> NDArray[np.int32]:
    """Return int32 `[tokens, 2]`, the UTF-8 bytes of `text` that each token covers.

    offsets: integers `[tokens, 2]`, first character and the one after the last, as
    `return_offsets_mapping=True` of Hugging Face tokenizers gives them. Empty ones, such as the
    (0, 0) of special tokens and of padding, may stand anywhere and come back empty.

    Raises ValueError naming the first bad token: one that runs backwards, leaves the text, or
    starts before the token ahead of it; and for a text that UTF-8 cannot hold.
    """
    array = _pairs(offsets)
    byte_at = _byte_at_character(text)
    start, end = array[:, 0], array[:, 1]
    _refuse(end < start, array, "ends before it starts")
    outside = (start < 0) | (end > len(text))
    _refuse(outside, array, f"leaves the text, which has {len(text)} characters")
    filled = np.flatnonzero(end > start)
    early = np.zeros(len(array), bool)
    early[filled[1:]] = start[filled[1:]] < start[filled[:-1]]
    _refuse(early, array, "starts before the token ahead of it")
    return byte_at[array].astype(np.int32)


def _pairs(offsets: ArrayLike) -> NDArray[np.int64]:
    expected = "expected integers [tokens, 2]: the first character of each token, and its end"
    try:
        array = to_numpy(offsets)
    except ValueError as error:
        raise ValueError(f"offsets of unequal lengths, {expected}") from error
    if array.size == 0:
        return np.zeros((0, 2), np.int64)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise ValueError(f"{array.dtype} of shape {list(array.shape)}, {expected}")
    return array.astype(np.int64)


def _byte_at_character(text: str) -> NDArray[np.int64]:
    try:
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    except UnicodeEncodeError as error:
        raise ValueError(
            f"character {error.start} has no UTF-8 form: it is half of a surrogate pair"
        ) from error
    widths = 1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)
    return np.concatenate([[0], np.cumsum(widths)]).astype(np.int64)


def _refuse(bad: NDArray[np.bool_], offsets: NDArray[np.int64], why: str) -> None:
    if bad.any():
        first = int(np.argmax(bad))
        raise ValueError(f"token {first}, characters {offsets[first].tolist()}, {why}")
