"""The client with the engine in its own process: the same calls and verdicts, no server."""

import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmjudge.client.async_client import AsyncClient
from mmjudge.client.sync_client import Client
from mmjudge.v1 import judge_pb2 as pb

if TYPE_CHECKING:
    from mmjudge.server.config import ServerConfig
    from mmjudge.server.engine import Engine

    Config = ServerConfig | str | os.PathLike[str] | Mapping[str, Mapping[str, Any]]


class LocalTransport:
    """Carries requests to an engine on the same event loop.

    Messages are serialized as for the wire, so that what works here works there.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    async def list_judges(self, timeout: float) -> pb.ListJudgesResponse:
        """Return what is hosted, and the limits of a request."""
        return self._engine.answerer.list_judges()

    async def judge(self, request: pb.JudgeRequest, timeout: float) -> pb.JudgeResponse:
        """Judge a batch and return all verdicts, in the order of the items."""
        return await self._engine.answerer.judge(request.SerializeToString(), timeout)

    def judge_stream(
        self, request: pb.JudgeStreamRequest, timeout: float
    ) -> AsyncIterator[pb.JudgeStreamResponse]:
        """Judge a batch and yield each verdict as it is ready, in any order."""
        return self._engine.answerer.judge_stream(request.SerializeToString(), timeout)

    async def close(self) -> None:
        """Stop the engine."""
        await self._engine.close()


class LocalClient(Client):
    """`Client` over judges loaded into this process; needs the package's `[server]` extra.

    config: a `ServerConfig`, the path of a TOML file, or its `judges` as a mapping, such as
    `{"clip": {"kind": "clip", "model": "ViT-B-32/openai"}}`. Without judges in it, the embedded
    `photo-lite`, as `mmjudge serve`.
    timeout: seconds a whole call may take.

    Loading happens here, and raises what is wrong: SetupError, or ImportError without the extra.
    """

    def __init__(
        self,
        config: "Config | None" = None,
        *,
        timeout: float = 60.0,
    ) -> None:
        # Importing the client must not import torch; asking for an engine in the process may.
        from mmjudge.server.config import DEFAULT_JUDGES, ServerConfig, read_config
        from mmjudge.server.engine import Engine
        from mmjudge.server.strict import build

        if config is None or isinstance(config, Mapping):
            settings = build(ServerConfig, {"judges": dict(config or {})})
        elif isinstance(config, ServerConfig):
            settings = config
        else:
            settings = read_config(Path(config))
        engine = Engine(replace(settings, judges=settings.judges or DEFAULT_JUDGES))
        super().__init__(
            factory=lambda: AsyncClient(timeout=timeout, transport=LocalTransport(engine))
        )
        try:
            self._loop.run(engine.start)
        except BaseException:
            self.close()
            raise
