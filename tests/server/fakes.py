"""Operations and judges without weights, whose forwards are counted and can be held or failed."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar
from zlib import crc32

from mmjudge.contract.errors import invalid
from mmjudge.contract.info import Input, JudgeInfo
from mmjudge.contract.items import Ask, Candidate, Item, Want
from mmjudge.contract.verdicts import Judgement, Note, Score, Verdict, rank
from mmjudge.judges.judge import Host
from mmjudge.judges.operation import Budget, Prepared
from mmjudge.server.device import Device
from mmjudge.server.feature_cache import FeatureCache
from mmjudge.server.metrics import Metrics
from mmjudge.server.served_operation import ServedOperation
from mmjudge.server.stopwatch import Stopwatch, current_stopwatch

T = TypeVar("T")

# What would hang fails after so many seconds; no test takes anywhere near as long.
GUARD = 30.0


async def within(outcome: Awaitable[T]) -> T:
    """Await, failing instead of hanging."""
    return await asyncio.wait_for(outcome, GUARD)


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop and the threads go on until `condition`."""
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.001)


async def settle() -> None:
    """Let everything run that can run without a thread or the network."""
    for _ in range(50):
        await asyncio.sleep(0)


class FakeOperation:
    """Text -> the text in upper case. `gate` holds forwards, `fault` says which batches fail.

    Inputs that begin with "bad" do not pass `prepare`; those with "noted" do with a note.
    """

    def __init__(
        self,
        fingerprint: str = "fake",
        *,
        device: str = "cpu",
        items: int = 8,
        cost: int = 10**9,
        size: int = 100,
    ) -> None:
        self.name, self.fingerprint, self.device = fingerprint, fingerprint, device
        self.budget = Budget(items, cost)
        self.gate = threading.Event()
        self.gate.set()
        self.prepare_gate = threading.Event()
        self.prepare_gate.set()
        self.fault: Callable[[list[str]], Exception | None] = lambda batch: None
        self.cost: Callable[[str], int] = lambda text: 1
        self.prepared: list[str] = []
        self.forwards: list[list[str]] = []
        self.finished = 0
        self._size = size

    def key(self, text: str) -> bytes:
        """The text itself."""
        return text.encode()

    def prepare(self, text: str) -> Prepared[str]:
        """Pass the text through."""
        self.prepared.append(text)
        assert self.prepare_gate.wait(GUARD)
        if text.startswith("bad"):
            raise invalid("TEXT_BAD", f"{text!r} begins with 'bad'", "inner")
        notes = (Note("NOTED", text),) if text.startswith("noted") else ()
        return Prepared(text, self.cost(text), notes)

    def forward(self, payloads: list[str]) -> list[str]:
        """Count, wait for the gate, then fail or answer."""
        self.forwards.append(list(payloads))
        assert self.gate.wait(GUARD)
        if error := self.fault(payloads):
            raise error
        self.finished += 1
        return [text.upper() for text in payloads]

    def size(self, output: str) -> int:
        """Bytes it is said to hold."""
        return self._size

    @property
    def forwarded(self) -> list[str]:
        """Every payload that reached the device, in order."""
        return [text for batch in self.forwards for text in batch]


class Bench:
    """Served operations over devices, threads and a cache of their own."""

    def __init__(self, cache_bytes: int = 0, threads: int = 2) -> None:
        self.cache = FeatureCache(cache_bytes)
        self.metrics = Metrics()
        self.threads = ThreadPoolExecutor(threads)
        self.devices: dict[str, Device] = {}
        self.served: list[ServedOperation[Any, Any, Any]] = []

    def serve(self, operation: FakeOperation) -> ServedOperation[str, str, str]:
        """Serve an operation; call on the event loop."""
        device = self.devices.setdefault(operation.device, Device(operation.device))
        served = ServedOperation(operation, device, self.threads, self.cache, self.metrics)
        served.start()
        self.served.append(served)
        return served

    async def close(self) -> None:
        """End as `Host.close` does."""
        await asyncio.gather(*(served.close() for served in self.served))
        for device in self.devices.values():
            device.close()
        self.threads.shutdown(cancel_futures=True)


@asynccontextmanager
async def bench(cache_bytes: int = 0, threads: int = 2) -> AsyncIterator[Bench]:
    """A bench with a stopwatch running, closed at the end."""
    it = Bench(cache_bytes, threads)
    current_stopwatch.set(Stopwatch())
    try:
        yield it
    finally:
        await within(it.close())


def score_of(text: str) -> float:
    """The score that `FakeJudge` gives a text: exact in float32, another for another text."""
    return crc32(text.encode()) % 2**20 / 2**20


# Operations that a test laid out for `FakeJudge` to find, by its backbone's `operation`.
OPERATIONS: dict[str, FakeOperation] = {}


@dataclass(frozen=True, slots=True)
class FakeBackbone:
    """Which of `OPERATIONS` to use."""

    operation: str = "fake"


@dataclass(frozen=True, slots=True)
class FakeOptions:
    """Settings of each type that configuration knows."""

    shout: bool = False
    weight: float = 1.0
    tries: int = 1
    words: tuple[str, ...] = ()


def load_operation(config: FakeBackbone) -> FakeOperation:
    """Find the operation that `config` names, or make it."""
    return OPERATIONS.setdefault(config.operation, FakeOperation(config.operation))


class FakeJudge:
    """Kind `tests.server.fakes:FakeJudge`: scores each candidate's text by `score_of`."""

    Options: ClassVar[type[Any]] = FakeOptions
    Backbone: ClassVar[type[Any]] = FakeBackbone
    wants: ClassVar[tuple[Want, ...]] = (Want.SCORE, Want.PREFERENCE)
    example_text: ClassVar[str] = "example"

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None:
        self.options = options
        self.operation = host.backbone(backbone, load_operation)
        self._compute = host.serve(self.operation)
        self.info = JudgeInfo(
            name=name,
            kind="fake",
            fingerprint=f"fingerprint of {name}",
            provenance={},
            wants=self.wants,
            reads=(Input.CANDIDATE_TEXT,),
            criteria=("charm", "truth"),
        )
        self.example = text_item(self.example_text)

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Compute every candidate's text."""
        texts = [candidate.text for candidate in item.candidates]
        computed = await asyncio.gather(*map(self._compute, texts))
        values = [score_of(one.value.lower()) for one in computed]
        ranks = rank(values) if ask.want is Want.PREFERENCE else ()
        notes = tuple(note for one in computed for note in one.notes)
        return Verdict(Judgement(tuple(map(Score, values)), ranks), notes)


def text_item(*texts: str, id: str = "") -> Item:
    """An item of one text candidate each."""
    return Item(candidates=[Candidate([text]) for text in texts], id=id)


def judge_info(name: str = "stub") -> JudgeInfo:
    """What a judge of nothing in particular says of itself."""
    return JudgeInfo(name, "stub", f"fingerprint of {name}", {}, (Want.SCORE,), ())


@dataclass
class StubJudge:
    """A judge that is one function."""

    answer: Callable[[Item, Ask], Awaitable[Verdict]]
    info: JudgeInfo = field(default_factory=judge_info)
    example: Item = field(default_factory=lambda: text_item("example"))
    Options: ClassVar[type[Any]] = FakeOptions
    Backbone: ClassVar[type[Any]] = FakeBackbone

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Whatever the function does."""
        return await self.answer(item, ask)
