"""What every test of the server ends with."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.server.fakes import OPERATIONS
from tests.server.grpc_fixtures import Peer, serving


@pytest.fixture(autouse=True)
def nothing_left_behind(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Forget the fake operations; fail on what asyncio complains of, e.g. unseen exceptions."""
    OPERATIONS.clear()
    yield
    OPERATIONS.clear()
    complaints = [r.getMessage() for r in caplog.get_records("call") if r.name == "asyncio"]
    assert not complaints


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with serving() as it:
        yield it
