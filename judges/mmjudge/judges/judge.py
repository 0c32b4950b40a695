"""What a judge is, and what it may ask of the server that hosts it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from mmjudge.contract.info import JudgeInfo
from mmjudge.contract.items import Ask, Item
from mmjudge.contract.verdicts import Verdict
from mmjudge.judges.operation import Compute, I_contra, O, Operation, P

C = TypeVar("C")
B = TypeVar("B")


class Host(Protocol):
    """What a server gives its judges: shared backbones, and their operations served."""

    def backbone(self, config: C, load: Callable[[C], B]) -> B:
        """Return `load(config)`, loaded once for all judges that ask with an equal config.

        One that is `Closing` is closed with the host.
        """

    def serve(self, operation: Operation[I_contra, P, O]) -> Compute[I_contra, O]:
        """Return the operation as an async function of one input, batched and cached."""


@runtime_checkable
class Closing(Protocol):
    """A backbone that holds connections or the like."""

    async def aclose(self) -> None:
        """Fail what is in flight with `Unavailable`, and let go; awaited on the event loop."""


class Judge(Protocol):
    """An async function from items to verdicts, written over backbones.

    A kind of judge is a class in the entry-point group `mmjudge.judges` that is constructed as
    `Kind(name, options, backbone, host)`: `options` an instance of its `Options` dataclass and
    `backbone` one of its `Backbone` dataclass, both read from the judge's section of the
    configuration. Construction may take long (it loads weights); `judge` must not block.

    A kind that loads files may have a static method `files(options, backbone)` beside, for
    `mmjudge pull`: it fetches them where needed, builds nothing, and returns `ModelFile`s.
    """

    Options: ClassVar[type[Any]]
    Backbone: ClassVar[type[Any]]

    def __init__(self, name: str, options: Any, backbone: Any, host: Host) -> None: ...

    @property
    def info(self) -> JudgeInfo:
        """What it computes, reads and is called."""

    @property
    def example(self) -> Item:
        """An item that it can judge: scored once at start-up, before health says SERVING."""

    async def judge(self, item: Item, ask: Ask) -> Verdict:
        """Judge one item. Raises `ItemError`, its field a path from the item, for a bad one."""


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """One judge: its kind's class, and instances of that class's `Backbone` and `Options`.

    A kind whose `Options` has a field of type `JudgeConfig` finds in it the judge whose section
    that table of its own section is; in one of `dict[str, JudgeConfig]` those whose sections stand
    in that table.
    """

    name: str
    kind: type[Judge]
    backbone: Any
    options: Any
