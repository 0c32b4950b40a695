"""A small server of the chat-completions protocol that answers, and fails, as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.judges.direct_host import DirectHost

from mmjudge.judges.backbones.chat_endpoint import ChatEndpoint
from mmjudge.judges.backbones.chat_retries import Chance
from mmjudge.judges.backbones.generator import Generator, Message, Question, Shown
from mmjudge.judges.backbones.generator_config import GeneratorConfig

# What would hang fails after so many seconds.
GUARD = 30.0


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `cut`: bytes of the body that are sent before the line is cut.

    held: not answered until the server is told to let go.
    """

    body: bytes | Mapping[str, Any] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    held: bool = False


def completion(text: str | None = "fine", reason: str | None = "stop", **more: Any) -> Said:
    """An answer of one choice; `more` goes into its message."""
    message = {"role": "assistant", "content": text, **more}
    return choice({"index": 0, "finish_reason": reason, "message": message})


def choice(*choices: Any) -> Said:
    """An answer of these choices."""
    return Said({"id": "1", "object": "chat.completion", "choices": list(choices)})


def likeliest(*tokens: tuple[str, float]) -> Said:
    """An answer with these tokens and their log-probabilities for the first one's likeliest."""
    top = [{"token": token, "logprob": logprob, "bytes": None} for token, logprob in tokens]
    first = {"token": "?", "logprob": -9.0, "top_logprobs": top}
    message = {"role": "assistant", "content": "?"}
    return choice({"finish_reason": "length", "message": message, "logprobs": {"content": [first]}})


class ChatServer:
    """Counts what it receives, and asks `answer` what to say to each request."""

    def __init__(self, answer: Callable[[dict[str, Any]], Said]) -> None:
        self.answer = answer
        self.requests: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.running = self.most_running = self.abandoned = 0
        self.let_go = asyncio.Event()
        self.url = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until either side closes it."""
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        assert head.startswith("POST /v1/chat/completions HTTP/1.1\r\n")
        sizes = [line for line in head.lower().splitlines() if line.startswith("content-length:")]
        request = json.loads(await reader.readexactly(int(sizes[0].partition(":")[2])))
        self.requests.append(request)
        self.headers.append(head)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            said = self.answer(request)
            if said.held and not await self._hold(reader):
                return False
        finally:
            self.running -= 1
        body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
        sent = {"content-type": "application/json", "content-length": str(len(body))}
        lines = [f"{name}: {value}" for name, value in {**sent, **said.headers}.items()]
        writer.write("\r\n".join([f"HTTP/1.1 {said.status} Said", *lines, "\r\n"]).encode())
        writer.write(body[: said.cut])
        await writer.drain()
        return said.cut is None

    async def _hold(self, reader: asyncio.StreamReader) -> bool:
        """Wait for `let_go`; False when the client leaves before."""
        left, free = (asyncio.ensure_future(one) for one in (reader.read(1), self.let_go.wait()))
        await asyncio.wait([left, free], return_when=asyncio.FIRST_COMPLETED)
        gone = left.done()
        self.abandoned += gone
        for task in (left, free):
            task.cancel()
        await asyncio.gather(left, free, return_exceptions=True)
        return not gone


@asynccontextmanager
async def chat_server(*says: Said) -> AsyncIterator[ChatServer]:
    """A server that says these one after another, and the last of them ever after."""
    left = list(says or [completion()])
    chat = ChatServer(lambda request: left.pop(0) if len(left) > 1 else left[0])
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        await chat.connected(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=2**24)
    chat.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        async with asyncio.timeout(GUARD):
            yield chat
            # Each of them ends by itself, because no client is to leave a connection open.
            await asyncio.gather(*connections)
    finally:
        server.close()
        await server.wait_closed()


class Waits:
    """Sleeping that takes no time, and is written down; draws are `drawn`."""

    def __init__(self, drawn: float = 1.0) -> None:
        self.slept: list[float] = []
        self.chance = Chance(self._sleep, lambda: drawn, lambda: 1_700_000_000.0)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def asking(
    server: ChatServer, waits: Waits | None = None, **settings: Any
) -> AsyncIterator[Generator]:
    """A generator of the server's model; closed at the end."""
    given = {"model": "tiny", "endpoint": server.url, **settings}
    endpoint = ChatEndpoint(GeneratorConfig(**given), (waits or Waits()).chance)
    try:
        yield endpoint.serve(DirectHost())
    finally:
        await endpoint.aclose()


def question(*parts: Shown) -> Question:
    """A question of one user's turn."""
    return Question((Message("user", parts or ("How good is it?",)),))


async def until(condition: Callable[[], bool]) -> None:
    """Let everything go on until `condition`."""
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.001)
