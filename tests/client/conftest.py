"""A fake service on a loopback port, and clients of it."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.client.fake_service import FakeService, serve, serve_in_thread

from mmjudge.client import AsyncClient, Client, Retries

QUICK = Retries(attempts=5, first_wait=0.001, longest_wait=0.002)


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def address(service: FakeService) -> AsyncIterator[str]:
    async with serve(service) as (where, _):
        yield where


@pytest.fixture
async def client(address: str) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(address, timeout=20, retries=QUICK) as client:
        yield client


@pytest.fixture
def far_address(service: FakeService) -> Iterator[str]:
    with serve_in_thread(service) as where:
        yield where


@pytest.fixture
def sync_client(far_address: str) -> Iterator[Client]:
    with Client(far_address, timeout=20, retries=QUICK) as client:
        yield client
