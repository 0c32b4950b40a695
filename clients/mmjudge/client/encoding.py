"""A caller's items as they go over the wire, everything unsendable refused by name."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mmjudge.client.media import to_parts
from mmjudge.contract import Candidate, InvalidRequest, Item, ItemError, Violation
from mmjudge.contract.errors import join_path
from mmjudge.contract.wire_items import item_to_proto
from mmjudge.v1 import judge_pb2 as pb


def encode_items(items: Sequence[Item]) -> list[pb.Item]:
    """Encode `items`, their images as `to_parts` takes them.

    Raises InvalidRequest for text that UTF-8 cannot hold; TypeError, ValueError or OSError for
    what is no item, image, span or log-probability. Each names its field, `items[i].candidates[0]`
    for one. Reads files and compresses images: run it off the event loop.
    """
    return [_encode(item, f"items[{i}]") for i, item in enumerate(items)]


def _encode(item: Item, where: str) -> pb.Item:
    if not isinstance(item, Item):
        raise TypeError(f"{where} is a {type(item).__name__}, expected mmjudge.client.Item")
    ready = replace(
        item,
        prompt=to_parts(item.prompt, f"{where}.prompt"),
        candidates=[
            _candidate(candidate, f"{where}.candidates[{i}]")
            for i, candidate in enumerate(item.candidates)
        ],
        references=[
            to_parts(parts, f"{where}.references[{i}]") for i, parts in enumerate(item.references)
        ],
    )
    _check_names(item, where)
    try:
        return item_to_proto(ready)
    except ItemError as error:
        path = join_path(where, error.error.field)
        raise InvalidRequest(Violation(path, error.error.message)) from error


def _candidate(candidate: Candidate, where: str) -> Candidate:
    if not isinstance(candidate, Candidate):
        raise TypeError(
            f"{where} is a {type(candidate).__name__}, expected Candidate([text or image, ...])"
        )
    return Candidate(
        to_parts(candidate.parts, f"{where}.parts"),
        None if candidate.spans is None else _spans(candidate.spans, f"{where}.spans"),
        None if candidate.log_probs is None else _log_probs(candidate.log_probs, where),
    )


def _spans(spans: ArrayLike, where: str) -> NDArray[np.int32]:
    # Tokenizers give lists of pairs, numpy makes int64 of them; only the width changes here.
    array = np.asarray(spans)
    if array.size == 0:
        return np.zeros((0, 2), np.int32)
    if array.ndim != 2 or array.shape[1] != 2 or array.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: {array.dtype} of shape {list(array.shape)}, expected int32 [n, 2]: start "
            "and end of each token in UTF-8 bytes"
        )
    if array.min() < 0 or array.max() > np.iinfo(np.int32).max:
        raise ValueError(f"{where}: from {array.min()} to {array.max()}, expected int32, 0 or more")
    return array.astype(np.int32)


def _log_probs(log_probs: ArrayLike, where: str) -> NDArray[np.float32]:
    array = np.asarray(log_probs)
    if array.size and (array.ndim != 1 or array.dtype.kind != "f"):
        raise TypeError(
            f"{where}.log_probs: {array.dtype} of shape {list(array.shape)}, expected float32 [n]"
        )
    return array.astype(np.float32).reshape(-1)


def _check_names(item: Item, where: str) -> None:
    _check_text(item.id, f"{where}.id")
    for key, value in item.attributes.items():
        _check_text(key, f"{where}.attributes, key {key!r}")
        _check_text(value, f"{where}.attributes[{key!r}]")


def _check_text(text: Any, where: str) -> None:
    if not isinstance(text, str):
        raise TypeError(f"{where} is {text!r}, a {type(text).__name__}, expected a str")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            Violation(
                where,
                f"character {error.start} ({text[error.start]!r}) has no UTF-8 form: it is half "
                "of a surrogate pair",
            )
        ) from error
