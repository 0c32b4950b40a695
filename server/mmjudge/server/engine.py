"""Judges behind an `Answerer`, without a network: what the server and `LocalClient` share."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from mmjudge.contract.info import Limits
from mmjudge.server.admission import Admission
from mmjudge.server.answering import Answerer
from mmjudge.server.config import ServerConfig
from mmjudge.server.host import Host
from mmjudge.server.image_store import ImageStore
from mmjudge.server.metrics import Metrics
from mmjudge.server.threads import run_abandonable


class Engine:
    """Everything a request needs, put together from one configuration."""

    def __init__(self, config: ServerConfig) -> None:
        self.metrics = Metrics()
        self.host = Host(config, self.metrics)
        # A thread of its own, so that a request need not wait for others' decoding to be read.
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="read")
        queue = config.queue
        self.admission = Admission(queue.max_pending_items, queue.max_pending_bytes, self.metrics)
        self.answerer = Answerer(
            self.host.judges,
            Limits(**asdict(config.limits)),
            self.admission,
            ImageStore(config.cache.image_bytes, config.image_roots),
            self._reading,
            self.metrics,
        )

    async def start(self) -> None:
        """Load the judges and warm them up; raises `ConfigError`, `WarmUpFailed` and the like."""
        await run_abandonable(self.host.load)
        await self.host.start()

    async def close(self) -> None:
        """Fail what waits, finish what runs."""
        await self.host.close()
        self._reading.shutdown(cancel_futures=True)
