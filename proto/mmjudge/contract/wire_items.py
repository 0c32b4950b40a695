"""Items to and from `mmjudge.v1`, each checked on its own so that a bad one fails alone."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import invalid
from mmjudge.contract.images import ImageUri, image_from_proto, image_to_proto
from mmjudge.contract.info import Limits
from mmjudge.contract.items import Candidate, Item, Part
from mmjudge.contract.spans import check_log_probs, check_spans
from mmjudge.contract.tensors import DataType, decode_tensor, encode_tensor
from mmjudge.v1 import judge_pb2, media_pb2


def item_to_proto(item: Item) -> judge_pb2.Item:
    """Encode for the wire; raises `ItemError` for text that UTF-8 cannot hold."""
    _check_utf8(item.id, "id")
    for key, value in item.attributes.items():
        _check_utf8(key, "attributes")
        _check_utf8(value, f"attributes[{key}]")
    return judge_pb2.Item(
        id=item.id,
        prompt=_parts_to_proto(item.prompt, "prompt"),
        candidates=[
            _candidate_to_proto(candidate, f"candidates[{i}]")
            for i, candidate in enumerate(item.candidates)
        ],
        references=[
            judge_pb2.Reference(parts=_parts_to_proto(parts, f"references[{i}].parts"))
            for i, parts in enumerate(item.references)
        ],
        attributes=item.attributes,
    )


def item_from_proto(item: judge_pb2.Item, limits: Limits) -> Item:
    """Decode and check one item; raises `ItemError` naming the first bad field by path."""
    count = len(item.candidates)
    if not 1 <= count <= limits.max_candidates:
        raise invalid(
            "CANDIDATE_COUNT", f"{count}, expected 1 to {limits.max_candidates}", "candidates"
        )
    return Item(
        prompt=_parts_from_proto(item.prompt, "prompt", limits),
        candidates=[
            _candidate_from_proto(candidate, f"candidates[{i}]", limits)
            for i, candidate in enumerate(item.candidates)
        ],
        references=[
            _parts_from_proto(reference.parts, f"references[{i}].parts", limits)
            for i, reference in enumerate(item.references)
        ],
        attributes=dict(item.attributes),
        id=item.id,
    )


def _candidate_to_proto(candidate: Candidate, field: str) -> judge_pb2.Candidate:
    return judge_pb2.Candidate(
        parts=_parts_to_proto(candidate.parts, f"{field}.parts"),
        spans=_tensor(candidate.spans),
        log_probs=_tensor(candidate.log_probs),
    )


def _candidate_from_proto(candidate: judge_pb2.Candidate, field: str, limits: Limits) -> Candidate:
    parts = _parts_from_proto(candidate.parts, f"{field}.parts", limits)
    if not parts:
        raise invalid("CANDIDATE_EMPTY", "no parts, expected text or an image", f"{field}.parts")
    spans = log_probs = None
    if candidate.HasField("spans"):
        at = f"{field}.spans"
        spans = decode_tensor(candidate.spans, field=at, dtypes=[DataType.INT32], shape=[None, 2])
        text = "".join(part for part in parts if isinstance(part, str))
        check_spans(spans, text, field=at)
    if candidate.HasField("log_probs"):
        at = f"{field}.log_probs"
        log_probs = decode_tensor(
            candidate.log_probs, field=at, dtypes=[DataType.FLOAT32], shape=[None]
        )
        check_log_probs(log_probs, 0 if spans is None else len(spans), field=at)
    return Candidate(parts, spans, log_probs)


def _parts_to_proto(parts: Iterable[Part], field: str) -> list[media_pb2.Part]:
    return [_part_to_proto(part, f"{field}[{i}]") for i, part in enumerate(parts)]


def _part_to_proto(part: Part, field: str) -> media_pb2.Part:
    if not isinstance(part, str):
        if isinstance(part, ImageUri):
            _check_utf8(part.uri, f"{field}.image.uri")
        return media_pb2.Part(image=image_to_proto(part))
    _check_utf8(part, f"{field}.text")
    return media_pb2.Part(text=part)


def _check_utf8(text: str, field: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise invalid(
            "TEXT_NOT_UTF8",
            f"character {error.start} ({text[error.start]!r}) has no UTF-8 form: it is half of a "
            "surrogate pair",
            field,
        ) from error


def _parts_from_proto(
    parts: Iterable[media_pb2.Part], field: str, limits: Limits
) -> Sequence[Part]:
    return [_part_from_proto(part, f"{field}[{i}]", limits) for i, part in enumerate(parts)]


def _part_from_proto(part: media_pb2.Part, field: str, limits: Limits) -> Part:
    match part.WhichOneof("content"):
        case "text":
            _check_text(part.text, f"{field}.text", limits)
            return part.text
        case "image":
            return image_from_proto(
                part.image, field=f"{field}.image", max_pixels=limits.max_image_pixels
            )
        case _:
            raise invalid("PART_MISSING", "no content, expected text or image", field)


def _check_text(text: str, field: str, limits: Limits) -> None:
    size = len(text) if text.isascii() else len(text.encode())
    if size > limits.max_text_bytes:
        raise invalid(
            "TEXT_TOO_LARGE", f"{size} bytes, at most {limits.max_text_bytes} allowed", field
        )
    if "\0" in text:  # tokenizers drop it or stop at it, each in its own way
        raise invalid("TEXT_NUL", f"NUL at character {text.index(chr(0))}: remove it", field)


def _tensor(array: NDArray[Any] | None) -> media_pb2.Tensor | None:
    return None if array is None else encode_tensor(np.asarray(array))
