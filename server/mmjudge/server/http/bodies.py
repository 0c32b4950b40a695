"""Bodies of requests and replies: what is read, how much of it, and in which form."""

import asyncio
import json
import math
import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect, Request

from mmjudge.contract.errors import InvalidRequest, RequestError, Violation
from mmjudge.server.http.nodes import Node
from mmjudge.server.http.pickle_machine import read_pickle
from mmjudge.server.http.pickle_values import PickleRefused

DISCARD_SECONDS = 30.0


class BodyRefused(RequestError):
    """A request is refused for its headers or its size; `status` is what HTTP calls that."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class BodyFormat:
    """How bodies of a protocol are written.

    media_types: what a request may call itself, "" if it may say nothing; the first is the reply's.
    decode: raises `InvalidRequest`.
    """

    media_types: tuple[str, ...]
    decode: Callable[[bytes], Node]
    encode: Callable[[Any], bytes]


def check_headers(request: Request, media_types: tuple[str, ...], max_bytes: int) -> int:
    """Return how many bytes the body has at most; raises `BodyRefused`.

    Browsers send Origin with every POST and trainers never do, so that no web page that somebody
    on this machine opens can ask for anything.
    """
    if "origin" in request.headers:
        raise BodyRefused(403, "requests from web pages are refused (header Origin)")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise BodyRefused(415, "Content-Encoding: compressed bodies are not read")
    told = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if told not in media_types:
        raise BodyRefused(415, f"Content-Type: {told!r}, expected {media_types[0]}")
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else max_bytes
    if size > max_bytes:
        raise _too_large(max_bytes)
    return size


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return the body; raises `BodyRefused` (413) as soon as there is too much of it."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            raise _too_large(max_bytes)
        chunks.append(chunk)
    return b"".join(chunks)


async def discard_body(request: Request) -> None:
    """Read what is left of a body that is refused, for some seconds, and keep nothing of it.

    A client that is still sending does not listen: it would see a broken connection for a status.
    """
    with suppress(ClientDisconnect, TimeoutError, RuntimeError):  # the last: there is nothing left
        async with asyncio.timeout(DISCARD_SECONDS):
            async for _ in request.stream():
                pass


def _too_large(max_bytes: int) -> BodyRefused:
    return BodyRefused(
        413, f"more than the {max_bytes} bytes of limits.max_message_bytes: split it"
    )


def _from_json(data: bytes) -> Node:
    try:
        return Node(json.loads(data, parse_constant=_no_constant, parse_float=_finite))
    except (ValueError, RecursionError) as error:
        told = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidRequest(Violation("body", f"not JSON: {told}")) from error


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number beyond what 64 bits hold")
    return number


def _to_json(value: Any) -> bytes:
    return json.dumps(value, allow_nan=False).encode()


def _from_pickle(data: bytes) -> Node:
    try:
        return Node(read_pickle(data))
    except PickleRefused as error:
        raise InvalidRequest(Violation("body", f"pickle refused: {error}")) from error


def _to_pickle(value: Any) -> bytes:
    return pickle.dumps(value, protocol=4)  # which Python 3.4 reads, too


JSON = BodyFormat(("application/json",), _from_json, _to_json)
PICKLE = BodyFormat(
    ("application/octet-stream", "", "application/x-pickle"), _from_pickle, _to_pickle
)
