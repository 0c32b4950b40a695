"""The reward of a policy's responses, as every adapter in this package computes it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmjudge.client import Client, Limits, Retries, Verdicts
from mmjudge.client.failing import check_on_failure
from mmjudge.client.grpc_transport import Metadata
from mmjudge.contract import RequestError
from mmjudge.rl.asking import ask
from mmjudge.rl.batches import RewardBatch, failures_in, first_error
from mmjudge.rl.connection import Connection, Server
from mmjudge.rl.held_out import Drift, HeldOut
from mmjudge.rl.images import Layout
from mmjudge.rl.mix import RewardMix, mixed
from mmjudge.rl.monitors import measure
from mmjudge.rl.samples import Sample, image_samples, text_samples

_log = logging.getLogger(__name__)
T = TypeVar("T")

OnFailedSample = Literal["raise", "mask"]
"""What becomes of a sample that was not judged: an exception, or NaN for the adapter to mask."""

TIMEOUT = 300.0
"""Seconds a whole call may take: long enough for a server to be started again meanwhile."""

PATIENT = Retries(attempts=1000, first_wait=0.2, longest_wait=5.0)
"""Tries until the time is up: a training step is worth more than a quick error."""


class Reward:
    """Asks the judges of a server for the reward of each sample.

    server: "host:port"; or a `Client`, a `LocalClient` too; or a function that makes one.
    judges: the name of one; a `RewardMix` of several, or just its weights; None for the server's
        only judge.
    criteria: what to judge by, for judges that take it.
    timeout, retries: seconds a whole call may take, with all its retries. By default a server that
        is away is waited for until the time is up. They and `metadata` go with an address only.
    on_failure: "raise" (an ItemFailed or ItemAbstained), or "mask", which leaves NaN in the batch;
        only for trainers that really leave such samples out.
    held_out: a judge the policy is not trained on, to watch for exploits.
    monitors: whether to measure the responses, see `mmjudge.rl.monitors`.

    Connects when first used. May be shared by threads, pickled to other processes and carried
    over a fork: each process has a connection of its own, and its own state from then on. Every
    call raises a `RequestError` when nothing was judged: see `mmjudge.client.errors`.
    """

    def __init__(
        self,
        server: Server = "127.0.0.1:50051",
        judges: str | Mapping[str, float] | RewardMix | None = None,
        *,
        criteria: str | Sequence[str] = (),
        timeout: float = TIMEOUT,
        retries: Retries = PATIENT,
        metadata: Metadata = (),
        on_failure: OnFailedSample = "raise",
        held_out: HeldOut | str | None = None,
        monitors: bool = True,
    ) -> None:
        check_on_failure(on_failure, "mask")
        if isinstance(judges, str):
            judges = {judges: 1.0}
        mix = RewardMix(judges) if isinstance(judges, Mapping) else judges
        if not isinstance(mix, RewardMix | None):
            raise TypeError(
                f"judges is a {type(mix).__name__}, expected a name, or weights by name: "
                "{'clip': 1.0}"
            )
        watch = HeldOut(held_out) if isinstance(held_out, str) else held_out
        if watch is not None and (mix is None or watch.judge in mix.weights):
            raise ValueError(
                f"held_out is {watch.judge!r} and the policy is trained on "
                f"{list(mix.weights) if mix else 'the only judge'}: name the judges it is trained "
                "on, and another one to hold out"
            )
        self.on_failure = on_failure
        self._mix = mix
        self._criteria = criteria
        self._monitors = monitors
        self._connection = Connection(server, timeout=timeout, retries=retries, metadata=metadata)
        self._normalisers = mix.normalisers() if mix else {}
        self._drift = Drift(watch, list(mix.weights)) if watch and mix else None
        self._calls = 0
        self._limits: Limits | None = None
        self._fingerprints: dict[str, str] = {}
        self._metrics: Mapping[str, float] = {}

    def score(self, samples: Sequence[Sample]) -> RewardBatch:
        """Return the reward of each sample; of none, an empty batch, without asking.

        Raises ItemFailed or ItemAbstained for the first sample that a judge did not judge, unless
        `on_failure` is "mask"; ValueError for a batch normalisation of one sample.
        """
        if not samples:
            return RewardBatch(np.zeros(0, np.float32), {}, (), {}, {})
        if self._mix and self._mix.needs_company and len(samples) == 1:
            raise ValueError(
                f"judges {list(self._mix.needs_company)} are normalised within a call, and this "
                "call has 1 sample, whose value would always be 0: use normalise='running'"
            )
        watched = self._is_watched()
        with self._connection.client() as client:
            rows = self._ask(client, samples, watched)
        held_out = rows.pop(watched, None) if watched else None
        error = first_error(rows)
        if error is not None and self.on_failure == "raise":
            raise error
        return self._batch(samples, rows, held_out)

    def score_texts(
        self,
        prompts: Sequence[Any] | None,
        completions: Sequence[Any],
        images: Sequence[Any] | None = None,
        references: Sequence[Any] | None = None,
    ) -> RewardBatch:
        """Return the reward of what a policy wrote; arguments as `text_samples`, raises as both."""
        return self.score(text_samples(prompts, completions, images, references))

    def score_images(
        self,
        images: Any,
        prompts: Sequence[Any],
        sources: Sequence[Any] | None = None,
        *,
        layout: Layout | None = None,
    ) -> RewardBatch:
        """Return the reward of pictures made; arguments as `image_samples`, raises as both."""
        return self.score(image_samples(images, prompts, sources, layout=layout))

    async def score_async(self, samples: Sequence[Sample]) -> RewardBatch:
        """Return what `score` does, from any event loop, without blocking it."""
        return await self._aside(partial(self.score, samples))

    async def score_texts_async(
        self,
        prompts: Sequence[Any] | None,
        completions: Sequence[Any],
        images: Sequence[Any] | None = None,
        references: Sequence[Any] | None = None,
    ) -> RewardBatch:
        """Return what `score_texts` does, from any event loop, without blocking it."""
        return await self._aside(
            partial(self.score_texts, prompts, completions, images, references)
        )

    async def score_images_async(
        self,
        images: Any,
        prompts: Sequence[Any],
        sources: Sequence[Any] | None = None,
        *,
        layout: Layout | None = None,
    ) -> RewardBatch:
        """Return what `score_images` does, from any event loop, without blocking it."""
        return await self._aside(
            partial(self.score_images, images, prompts, sources, layout=layout)
        )

    def refuse_masking(self, trainer: str) -> None:
        """Raise ValueError for `on_failure="mask"`, for a trainer that cannot leave samples out."""
        if self.on_failure != "raise":
            raise ValueError(
                f"on_failure is {self.on_failure!r}, and {trainer} would count a sample without a "
                "reward as one with some number: leave it at 'raise'"
            )

    @property
    def connection(self) -> Connection:
        """What lends the process's client: `with reward.connection.client() as client: ...`."""
        return self._connection

    @property
    def metrics(self) -> Mapping[str, float]:
        """The metrics of the latest call, for trainers that drop what adapters return."""
        return self._metrics

    def close(self) -> None:
        """End the connection; another call makes a new one."""
        self._connection.close()

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs, as JSON can hold it."""
        with self._connection.lock:
            return {
                "normalisers": {name: each.state() for name, each in self._normalisers.items()},
                "drift": self._drift.state() if self._drift else None,
            }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up a saved state; ValueError if it is of another mix or held-out judge."""
        if set(state["normalisers"]) != set(self._normalisers):
            raise ValueError(
                f"saved state of judges {sorted(state['normalisers'])}, this reward has "
                f"{sorted(self._normalisers)}"
            )
        with self._connection.lock:
            for name, each in self._normalisers.items():
                each.restore(state["normalisers"][name])
            if self._drift and state["drift"]:
                self._drift.restore(state["drift"])

    async def _aside(self, call: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._connection.threads(), call)

    def _is_watched(self) -> str | None:
        with self._connection.lock:
            self._calls += 1
            if self._drift and (self._calls - 1) % self._drift.held_out.every == 0:
                return self._drift.held_out.judge
        return None

    def _ask(
        self, client: Client, samples: Sequence[Sample], watched: str | None
    ) -> dict[str, Verdicts]:
        judges = [*self._mix.weights, *([watched] if watched else [])] if self._mix else None
        try:
            if self._limits is None:
                self._limits = client.list_judges().limits
            rows = ask(client, samples, judges, self._criteria, self._limits)
        except RequestError:
            self._limits = None  # a restarted server may have other limits
            raise
        for name, verdicts in rows.items():
            known = self._fingerprints.setdefault(name, verdicts.fingerprint)
            if known != verdicts.fingerprint:
                self._fingerprints[name] = verdicts.fingerprint
                _log.warning(
                    "judge %r changed between two calls, from fingerprint %s to %s: rewards before "
                    "and after do not compare",
                    name,
                    known[:12],
                    verdicts.fingerprint[:12],
                )
        return rows

    def _batch(
        self, samples: Sequence[Sample], rows: dict[str, Verdicts], held_out: Verdicts | None
    ) -> RewardBatch:
        parts = {name: verdicts.values for name, verdicts in rows.items()}
        with self._connection.lock:
            mix = self._mix or RewardMix(dict.fromkeys(parts, 1.0))
            values = mixed(mix, parts, self._normalisers or mix.normalisers())
            metrics = _summaries({"reward": values, **parts})
            if self._drift and held_out is not None:
                shares = {n: mix.weights[n] * v.astype(np.float64) for n, v in parts.items()}
                watched = self._drift.observe(shares, held_out.values)
                name = self._drift.held_out.judge
                metrics |= {f"held_out/{name}/{key}": value for key, value in watched.items()}
        if self._monitors:
            metrics |= measure(samples)
        self._metrics = {f"mmjudge/{name}": value for name, value in metrics.items()}
        return RewardBatch(
            values=values,
            parts=parts,
            failures=failures_in(rows),
            fingerprints={name: verdicts.fingerprint for name, verdicts in rows.items()},
            metrics=self._metrics,
        )


def _summaries(columns: Mapping[str, NDArray[np.float32]]) -> dict[str, float]:
    found = {}
    for name, values in columns.items():
        good = values[np.isfinite(values)].astype(np.float64)
        found[f"{name}/failed"] = float(len(values) - len(good))
        if len(good):
            found |= {f"{name}/mean": float(good.mean()), f"{name}/std": float(good.std())}
    return found
