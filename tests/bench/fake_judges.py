"""A client whose judges are functions, and records without a data set."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from mmjudge.bench.asking.contenders import Contender, contender, perspectives_of
from mmjudge.bench.asking.outcome import Outcome
from mmjudge.bench.asking.running import BatchSize, run
from mmjudge.bench.records import Record
from mmjudge.client.results import Verdicts
from mmjudge.contract import (
    Abstention,
    AbstentionReason,
    EncodedImage,
    Error,
    ErrorCode,
    Hosting,
    Input,
    Item,
    JudgeInfo,
    Judgement,
    Note,
    Score,
    Verdict,
    Want,
)
from mmjudge.contract.verdicts import rank

BOTH = (Want.SCORE, Want.PREFERENCE)


@dataclass(frozen=True, slots=True)
class MemoryPicture:
    """An image without a file."""

    name: str
    data: bytes = b""

    def read(self) -> bytes:
        """The data, or the name's bytes where there are none."""
        return self.data or self.name.encode()


def pair(text: str, *, perspective: str = "quality", label: float = 0, images: str = "") -> Record:
    """A pair of images that no decoder would open, named and filled by `images` or the text."""
    pictures = [MemoryPicture(f"{images or text}/{side}.png") for side in (0, 1)]
    candidates = tuple((picture,) for picture in pictures)
    return Record("pair", perspective, "blur", "q.json", (text,), candidates, {"label": label})


def bias(group: str, number: int) -> Record:
    """An image of a person of an occupation."""
    facts = {"group": group, "demographic": f"old_{number}", "traits": {"age": "old"}}
    picture = MemoryPicture(f"{group}/{number}.png")
    return Record("bias", "bias", group, "bias.json", (group,), ((picture,),), facts)


def judge(name: str, *wants: Want, kind: str = "clip", **provenance: str) -> JudgeInfo:
    """A judge that is hosted; `__` in the provenance's keys are spaces."""
    told = {key.replace("__", " "): value for key, value in provenance.items()}
    return JudgeInfo(name, kind, f"print of {name}", told, wants or BOTH, (Input.PROMPT_TEXT,))


def comparing(name: str, order: str = "as sent", *wants: Want) -> JudgeInfo:
    """A vision-language model that is shown pairs."""
    return judge(name, *(wants or (Want.PREFERENCE,)), kind="vlm", order__of__pairs=order)


Say = Callable[[str, Item, Want], Verdict]


def by_digest(judge: str, item: Item, want: Want) -> Verdict:
    """Values that follow from what is asked alone; "shy", "bad" and "busy" prompts get none."""
    text = " ".join(part for part in item.prompt if isinstance(part, str))
    if "shy" in text:
        return Verdict(Abstention(AbstentionReason.UNPARSEABLE, "says nothing", "I… won't", "x"))
    if "bad" in text:
        error = Error(ErrorCode.INVALID_ARGUMENT, "IMAGE_UNDECODABLE", "no image", "candidates[1]")
        return Verdict(error)
    if "busy" in text:
        return Verdict(Error(ErrorCode.UNAVAILABLE, "ENDPOINT_AWAY", "later"))
    values = [_value(judge, text, content(candidate.parts)) for candidate in item.candidates]
    ranks = rank(values) if want is Want.PREFERENCE else ()
    scores = tuple(Score(value, rationale=f"“{value:.2f}”") for value in values)
    return Verdict(Judgement(scores, ranks), (Note("NOTED", "all of it"),))


def first_is_best(judge: str, item: Item, want: Want) -> Verdict:
    """What a judge says that looks no further than the first candidate."""
    return Verdict(Judgement((Score(), Score()), (1, 2), rationale="the first, of course"))


def content(parts: Sequence[Any]) -> bytes:
    """What a candidate's parts hold."""
    return b" ".join(
        part.data if isinstance(part, EncodedImage) else str(part).encode() for part in parts
    )


def _value(*told: str | bytes) -> float:
    digest = sha256(b"\n".join(one if isinstance(one, bytes) else one.encode() for one in told))
    return float(np.float32(int.from_bytes(digest.digest()[:4], "big") / 2**32))


@dataclass
class Asking:
    """What one call asked: judges, want, and the items' ids with their candidates' contents."""

    judges: list[str]
    want: Want
    items: list[tuple[str, tuple[bytes, ...]]]

    @property
    def ids(self) -> list[str]:
        """The items' ids."""
        return [id for id, _ in self.items]


@dataclass
class FakeClient:
    """Answers with `say`, after `delay` seconds a call, and remembers what it was asked."""

    infos: Sequence[JudgeInfo]
    say: Say = by_digest
    delay: float = 0.0
    calls: list[Asking] = field(default_factory=list)
    fail_after: int | None = None
    error: BaseException | None = None
    prints: Mapping[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def hosting(self) -> Hosting:
        """The judges, by name."""
        return Hosting({info.name: info for info in self.infos})

    @property
    def asked(self) -> list[str]:
        """Ids of all items of all calls."""
        return [id for call in self.calls for id in call.ids]

    def judge(
        self,
        items: Sequence[Item],
        *,
        judges: list[str],
        want: Want,
        rationale: bool,
        on_failure: str,
    ) -> dict[str, Verdicts]:
        """As `Client.judge`; raises `error` in call number `fail_after`, counted from 0."""
        assert rationale and on_failure == "nan"
        with self.lock:
            number = len(self.calls)
            told = [(item.id, tuple(content(c.parts) for c in item.candidates)) for item in items]
            self.calls.append(Asking(list(judges), want, told))
        time.sleep(self.delay)
        if self.error and number == self.fail_after:
            raise self.error
        return {
            name: Verdicts(
                name,
                self.prints.get(name, f"print of {name}"),
                tuple(self.say(name, item, want) for item in items),
                tuple(item.id for item in items),
                tuple(len(item.candidates) for item in items),
            )
            for name in judges
        }

    def contender(self, pattern: str, records: Sequence[Record], **settings: Any) -> Contender:
        """The contender of that name, for the records' perspectives."""
        return contender(pattern, perspectives_of(records), self.hosting, **settings)

    def run(
        self,
        records: Sequence[Record],
        folder: Path,
        *patterns: str,
        batch: int | BatchSize = 4,
        **more: Any,
    ) -> Outcome:
        """Run with contenders of these names, for the perspectives of what is selected."""
        chosen = more.get("selected") or records
        whom = [self.contender(pattern, chosen) for pattern in patterns or ("clip",)]
        size = BatchSize(batch) if isinstance(batch, int) else batch
        return run(
            self, records, whom, folder, benchmark="mjbench", location="data", batch=size, **more
        )
