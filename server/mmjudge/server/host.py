"""What hosts the judges: loads backbones once, serves their operations, starts and stops them."""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from mmjudge.contract.errors import RequestError, SetupError
from mmjudge.contract.items import Ask
from mmjudge.judges.judge import Closing, Judge
from mmjudge.judges.operation import Compute, I_contra, O, Operation, P
from mmjudge.server.config import ServerConfig, judge_configs
from mmjudge.server.device import Device
from mmjudge.server.feature_cache import FeatureCache
from mmjudge.server.metrics import Metrics
from mmjudge.server.served_operation import ServedOperation
from mmjudge.server.stopwatch import Stopwatch, current_stopwatch
from mmjudge.server.strict import ConfigError
from mmjudge.server.verdict_checks import verdict_of

C = TypeVar("C")
B = TypeVar("B")

logger = logging.getLogger(__name__)


class WarmUpFailed(SetupError):
    """A judge could not score its own example, so it is not fit to serve."""


class Host:
    """Implements `mmjudge.judges.judge.Host` over devices, CPU threads and one feature cache.

    `load` blocks (weights), then `start` on the event loop, then `close`.
    """

    def __init__(self, config: ServerConfig, metrics: Metrics) -> None:
        self.judges: dict[str, Judge] = {}
        self.devices: dict[str, Device] = {}
        threads = config.prepare_threads or os.cpu_count() or 1
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="prepare")
        self.cache = FeatureCache(config.cache.feature_bytes)
        self._config, self._metrics = config, metrics
        self._backbones: dict[Any, Any] = {}
        self._operations: dict[tuple[str, str], ServedOperation[Any, Any, Any]] = {}
        metrics.watch(self.cache)

    def load(self) -> None:
        """Load every configured judge; raises `ConfigError` naming the judge and the fix."""
        for config in judge_configs(self._config):
            logger.info("loading judge %s", config.name)
            try:
                judge = config.kind(config.name, config.options, config.backbone, self)
            except (SetupError, ValueError) as error:
                raise ConfigError(f"judges.{config.name}: {error}") from error
            self.judges[config.name] = judge

    async def start(self) -> None:
        """Start batching and have every judge score its example; raises `WarmUpFailed`."""
        for operation in self._operations.values():
            operation.start()
        for name, judge in self.judges.items():
            current_stopwatch.set(Stopwatch())
            try:
                verdict = await verdict_of(judge, judge.example, Ask(judge.info.wants[0]))
            except RequestError as error:
                raise WarmUpFailed(f"judge {name}: {error}") from error
            if verdict.HasField("error"):
                told = filter(None, (f"judge {name}", verdict.error.field, verdict.error.message))
                raise WarmUpFailed(": ".join(told))
            logger.info("judge %s is ready", name)

    async def close(self) -> None:
        """Fail what waits with `Unavailable`, wait for the batches that run, close the rest."""
        # Lists, because `load` may still be adding to them on its thread.
        operations, devices = list(self._operations.values()), list(self.devices.values())
        closing = [one for one in list(self._backbones.values()) if isinstance(one, Closing)]
        await asyncio.gather(
            *(operation.close() for operation in operations), *(one.aclose() for one in closing)
        )
        for device in devices:
            device.close()
        self.threads.shutdown(cancel_futures=True)

    def backbone(self, config: C, load: Callable[[C], B]) -> B:
        """Return `load(config)`, loaded once for all judges that ask with an equal config."""
        key = (load, config)
        if key not in self._backbones:
            self._backbones[key] = load(config)
        loaded: B = self._backbones[key]
        return loaded

    def serve(self, operation: Operation[I_contra, P, O]) -> Compute[I_contra, O]:
        """Return the operation served; operations of equal fingerprints are served as one."""
        key = (operation.fingerprint, operation.device)
        if key not in self._operations:
            device = self.devices.setdefault(operation.device, Device(operation.device))
            self._operations[key] = ServedOperation(
                operation, device, self.threads, self.cache, self._metrics
            )
        return self._operations[key]
