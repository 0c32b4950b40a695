import grpc
import pytest
from tests.client.fake_service import FakeService, refuse, retry_info

from mmjudge.client import AsyncClient
from mmjudge.client.deadline import Deadline
from mmjudge.client.errors import DeadlineExceeded, Unauthenticated, Unavailable
from mmjudge.client.grpc_transport import GrpcTransport
from mmjudge.client.readiness import until_ready

Code = grpc.StatusCode


async def no_sleep(seconds: float) -> None: ...


async def test_waits_for_as_long_as_it_takes(service: FakeService, address: str) -> None:
    transport = GrpcTransport(address)
    service.list_script.extend([refuse(Code.UNAVAILABLE, "loading")] * 20)
    service.list_script.append(refuse(Code.RESOURCE_EXHAUSTED, "full", retry_info(1)))
    service.list_script.append(refuse(Code.DEADLINE_EXCEEDED))
    response = await until_ready(transport, Deadline(20), sleep=no_sleep)
    assert [judge.name for judge in response.judges] == ["clip"]
    assert service.listed == 23
    await transport.close()


async def test_not_ready_in_time_says_why(service: FakeService, client: AsyncClient) -> None:
    service.list_script.extend([refuse(Code.UNAVAILABLE, "loading ViT-L")] * 20)
    with pytest.raises(Unavailable, match=r"not ready after 0.3 s.*loading ViT-L"):
        await client.wait_until_ready(0.3)


async def test_what_waiting_does_not_mend(service: FakeService, client: AsyncClient) -> None:
    service.list_script.append(refuse(Code.UNAUTHENTICATED))
    with pytest.raises(Unauthenticated):
        await client.wait_until_ready(5)
    with pytest.raises(DeadlineExceeded):
        await client.wait_until_ready(0)


async def test_says_what_is_hosted(service: FakeService, client: AsyncClient) -> None:
    assert list((await client.wait_until_ready()).judges) == ["clip"]
    await client.score(b"x", "1")
    assert service.listed == 1
