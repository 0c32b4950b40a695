"""What the server tells Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from mmjudge.server.feature_cache import FeatureCache

_ITEMS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """Counters, gauges and histograms of one server, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._verdicts = Counter(
            "mmjudge_verdicts", "Verdicts", ["judge", "outcome"], registry=self.registry
        )
        self._requests = Counter(
            "mmjudge_requests", "RPCs by status", ["method", "code"], registry=self.registry
        )
        self._batch_items = Histogram(
            "mmjudge_batch_items", "Items a batch", ["operation"], buckets=_ITEMS,
            registry=self.registry,
        )  # fmt: skip
        self._batch_seconds = Histogram(
            "mmjudge_batch_seconds", "Device time a batch", ["operation"], registry=self.registry
        )
        self.pending_items = Gauge(
            "mmjudge_pending_items", "Verdicts admitted and not given", registry=self.registry
        )
        self.pending_bytes = Gauge(
            "mmjudge_pending_bytes", "Bytes of requests in work", registry=self.registry
        )

    def watch(self, cache: FeatureCache) -> None:
        """Report a cache's size and hits; its hit rate is hits / (hits + misses)."""
        for name, help_text, read in (
            ("bytes", "Bytes held", lambda: cache.bytes),
            ("entries", "Features held", lambda: len(cache)),
            ("hits", "Look-ups answered", lambda: cache.hits),
            ("misses", "Look-ups not answered", lambda: cache.misses),
        ):
            gauge = Gauge(f"mmjudge_feature_cache_{name}", help_text, registry=self.registry)
            gauge.set_function(read)

    def batch(self, operation: str, items: int, seconds: float) -> None:
        """Count one batch that ran."""
        self._batch_items.labels(operation).observe(items)
        self._batch_seconds.labels(operation).observe(seconds)

    def verdict(self, judge: str, outcome: str) -> None:
        """Count one verdict: judgement, abstention or error."""
        self._verdicts.labels(judge, outcome).inc()

    def request(self, method: str, code: str) -> None:
        """Count one RPC by the status it ended with."""
        self._requests.labels(method, code).inc()

    def serve(self, host: str, port: int) -> None:
        """Answer Prometheus on http://host:port/metrics from a thread of its own."""
        start_http_server(port, host, self.registry)
