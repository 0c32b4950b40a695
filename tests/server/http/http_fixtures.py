"""A real server of fake judges with its HTTP protocols on, and callers of them."""

import asyncio
import http.client
import json
import pickle
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.server.fakes import FakeJudge, score_of, within
from tests.server.grpc_fixtures import Peer, config, connected

from mmjudge.contract.images import EncodedImage, ImageUri
from mmjudge.contract.items import Ask, Candidate, Item, Part
from mmjudge.contract.verdicts import Verdict
from mmjudge.server.config import ServerConfig
from mmjudge.server.http.config import HttpConfig, HttpJudges
from mmjudge.server.serving import Server

# The headers that the clients' libraries add to a body.
AIOHTTP_JSON = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": "Python/3.11 aiohttp/3.12.15",
    "Content-Type": "application/json",
}
AIOHTTP_BYTES = AIOHTTP_JSON | {"Content-Type": "application/octet-stream"}
REQUESTS_BYTES = {
    "User-Agent": "python-requests/2.32.4",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
}
REQUESTS_JSON = REQUESTS_BYTES | {"Content-Type": "application/json"}

EVERY_PROTOCOL = HttpJudges(
    openrlhf="fake",
    slime="fake",
    unirl=("fake", "other"),
    verl="fake",
    flow_factory="fake",
    pickle="fake",
)


def told(part: Part) -> str:
    """What a `TellingJudge` makes of a part."""
    match part:
        case str():
            return part
        case EncodedImage(data):
            return f"<{data.decode()}>"
        case ImageUri(uri):
            return f"<{uri}>"
        case _:
            return "<?>"


def item_score(*prompt: str, candidate: str, reference: str = "") -> float:
    """The score a `TellingJudge` gives these parts, images written as <data>."""
    return score_of("|".join(prompt) + " => " + candidate + reference)


class TellingJudge(FakeJudge):
    """Scores the whole item: prompt, candidate and references, images by their bytes."""

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """As if one text said it all."""
        before = "|".join(map(told, item.prompt)) + " => "
        after = "".join(told(part) for parts in item.references for part in parts)
        texts = [
            before + "".join(map(told, candidate.parts)) + after for candidate in item.candidates
        ]
        return await super().judge(Item(candidates=[Candidate([text]) for text in texts]), ask)


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    @property
    def json(self) -> Any:
        """The body, which must say that it is JSON and hold no NaN."""
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.data, parse_constant=lambda name: 1 / 0)

    @property
    def pickled(self) -> Any:
        """The body of a pickled reply."""
        assert self.headers["content-type"] == "application/octet-stream"
        return pickle.loads(self.data)


@dataclass
class HttpPeer:
    """A server, its gRPC side, and calls to its HTTP side."""

    server: Server
    grpc: Peer

    @property
    def address(self) -> str:
        """host:port of the HTTP side."""
        assert self.server.http
        return self.server.http.address

    async def call(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own, from another thread."""

        def ask() -> Reply:
            connection = http.client.HTTPConnection(self.address, timeout=30)
            try:
                connection.request(method, path, body, dict(headers or {}))
                response = connection.getresponse()
                given = {name.lower(): value for name, value in response.getheaders()}
                return Reply(response.status, given, response.read())
            finally:
                connection.close()

        return await within(asyncio.to_thread(ask))

    async def post(self, path: str, body: Any, headers: Mapping[str, str] = REQUESTS_JSON) -> Reply:
        """POST JSON."""
        return await self.call("POST", path, json.dumps(body).encode(), headers)

    async def pickle(
        self, body: Any, headers: Mapping[str, str] = REQUESTS_BYTES, protocol: int | None = None
    ) -> Reply:
        """POST a pickle to `/`."""
        return await self.call("POST", "/", pickle.dumps(body, protocol), headers)

    async def get(self, path: str) -> Reply:
        """GET."""
        return await self.call("GET", path)

    def requests(self, path: str, status: int) -> float:
        """How many requests of a path ended so."""
        return self.grpc.requests(f"POST {path}", str(status))


def http_config(http: Mapping[str, Any] | None = None, **settings: Any) -> ServerConfig:
    """Two telling judges, every protocol on, whatever port is free."""
    given: dict[str, Any] = {
        "address": "127.0.0.1:0", "judges": EVERY_PROTOCOL, "allow_pickle": True
    }  # fmt: skip
    kind = settings.pop("kind", f"{__name__}:TellingJudge")
    return config(
        "fake", "other", kind=kind, http=HttpConfig(**given | dict(http or {})), **settings
    )


@asynccontextmanager
async def serving_http(settings: ServerConfig | None = None) -> AsyncIterator[HttpPeer]:
    """A started server; stopped at the end."""
    server = Server(settings or http_config())
    try:
        await within(server.start())
        async with connected(server) as peer:
            yield HttpPeer(server, peer)
    finally:
        await within(server.stop(0))


def base64(data: bytes) -> str:
    """As clients write files into JSON."""
    return b64encode(data).decode()
