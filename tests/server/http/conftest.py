"""A server with every HTTP protocol on."""

from collections.abc import AsyncIterator

import pytest
from tests.server.http.http_fixtures import HttpPeer, serving_http


@pytest.fixture
async def http() -> AsyncIterator[HttpPeer]:
    async with serving_http() as it:
        yield it
