import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from PIL import Image as PIL
from tests.client.fake_service import Context, FakeService, hosting, refuse, serve

from mmjudge.client import AsyncClient, Candidate, EncodedImage, Item, Want
from mmjudge.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ItemAbstained,
    ItemFailed,
    JudgeNotFound,
    Overloaded,
)
from mmjudge.contract import Limits, PixelImage
from mmjudge.contract.wire_items import item_from_proto
from mmjudge.v1 import judge_pb2 as pb

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)


async def test_hosting(client: AsyncClient) -> None:
    found = await client.list_judges()
    assert list(found.judges) == ["clip"] and found.limits == Limits()


async def test_scores_say_how_they_were_made(client: AsyncClient) -> None:
    scores = await client.score([b"a", b"b"], ["3", "4"])
    assert scores.values.dtype == np.float32 and scores.values.tolist() == [3, 4]
    assert (scores.judge, scores.fingerprint) == ("clip", "clip" * 8)
    assert len(scores.verdicts) == 2 and scores.timing.queue == 2.0


async def test_every_kind_of_image_arrives_losslessly(
    service: FakeService, client: AsyncClient, tmp_path: Path
) -> None:
    file = BytesIO()
    PIL.fromarray(PIXELS).save(file, "JPEG", quality=20)
    path = tmp_path / "photo.jpg"
    path.write_bytes(file.getvalue())
    grey = PIL.fromarray(PIXELS[:, :, 0])
    await client.score(
        [PIL.fromarray(PIXELS), PIXELS, file.getvalue(), path, str(path), grey], "a cat"
    )
    (request,) = service.requests
    images: list[Any] = [
        item_from_proto(item, Limits()).candidates[0].parts[0] for item in request.items
    ]
    for image in images[:2]:
        assert isinstance(image, PixelImage) and np.array_equal(image.pixels, PIXELS)
    assert images[2:5] == [EncodedImage(file.getvalue())] * 3
    assert np.array_equal(np.asarray(PIL.open(BytesIO(images[5].data))), np.asarray(grey))
    assert [item.prompt[0].text for item in request.items] == ["a cat"] * 6


async def test_items_take_images_as_callers_have_them(
    service: FakeService, client: AsyncClient, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"file")
    item = Item(["5", PIXELS, path, str(path)], [Candidate(["x"])])  # type: ignore[list-item]
    assert (await client.judge([item])).values.tolist() == [5]
    parts = service.requests[0].items[0].prompt
    assert parts[1].image.pixels.data == PIXELS.tobytes()
    assert parts[2].image.encoded == b"file"
    assert parts[3].text == str(path)


async def test_everything_asked_for_is_sent(service: FakeService, client: AsyncClient) -> None:
    items = [Item(["1"], [Candidate(["x"])] * 3)]
    found = await client.judge(
        items,
        judges=["clip"],
        want=Want.PREFERENCE,
        criteria=["alignment", "safety"],
        regions=True,
        rationale=True,
        raw_text=True,
    )
    assert found["clip"].candidate_values[0].tolist() == pytest.approx([1, 1.1, 1.2])
    (request,) = service.requests
    assert request.want == pb.WANT_PREFERENCE
    assert list(request.criteria) == ["alignment", "safety"]
    assert request.options == pb.Options(regions=True, rationale=True, raw_text=True)


async def test_several_judges_are_a_dict_and_one_is_not() -> None:
    service = FakeService("a", "b")
    async with serve(service) as (address, _), AsyncClient(address) as client:
        by_judge = await client.score([b"x", b"y"], ["1", "2"], judges=["b", "a"])
        assert {name: s.values.tolist() for name, s in by_judge.items()} == {
            "a": [1, 2],
            "b": [1, 2],
        }
        assert list(await client.score(b"x", "1", judges=("a",))) == ["a"]
        assert (await client.score(b"x", "1", judges="a")).judge == "a"
        with pytest.raises(ValueError, match="hosts 'a', 'b': name one"):
            await client.score(b"x", "1")


@pytest.mark.parametrize(("text", "error"), [("bad", ItemFailed), ("shy", ItemAbstained)])
async def test_a_failure_is_raised_or_nan_and_never_a_number(
    client: AsyncClient, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match="item 1 "):
        await client.score(b"x", ["1", text, "3", text])
    scores = await client.score(b"x", ["1", text, "3"], on_failure="nan")
    np.testing.assert_array_equal(scores.values, [1, np.nan, 3])
    items = [Item([word], [Candidate(["x"])] * 2) for word in ("1", text)]
    with pytest.raises(error):
        await client.judge(items)
    verdicts = await client.judge(items, on_failure="nan")
    assert np.isnan(verdicts.candidate_values[1]).tolist() == [True, True]


async def test_bad_arguments_send_nothing(service: FakeService, client: AsyncClient) -> None:
    with pytest.raises(ValueError, match="nothing to judge"):
        await client.score([], [])
    with pytest.raises(ValueError, match="nothing to judge"):
        await client.judge([])
    with pytest.raises(ValueError, match="nothing to judge"):
        await anext(client.stream([]))
    with pytest.raises(ValueError, match="1 images and 2 texts"):
        await client.score([b"x"], ["1", "2"])
    with pytest.raises(ValueError, match="on_failure is 'zero'"):
        await client.score(b"x", "1", on_failure="zero")  # type: ignore[call-overload]
    with pytest.raises(FileNotFoundError, match=r"images\[1\]"):
        await client.score([b"x", "nowhere.png"], "1")
    with pytest.raises(InvalidRequest, match=r"items\[1\].prompt\[0\].text.*surrogate"):
        await client.score(b"x", ["1", "\ud800"])
    for timeout in (0, -1):
        with pytest.raises(DeadlineExceeded, match="more than 0"):
            await client.score(b"x", "1", timeout=timeout)
    assert service.listed == 0 and service.requests == []


async def test_limits_are_asked_for_once(service: FakeService, client: AsyncClient) -> None:
    for _ in range(3):
        await client.score(b"x", "1")
    assert service.listed == 1


async def test_a_refusal_makes_it_ask_again(service: FakeService, client: AsyncClient) -> None:
    await client.score(b"x", "1")
    service.hosting = hosting("new")
    service.script.append(refuse(grpc.StatusCode.NOT_FOUND, "no judge 'clip'"))
    with pytest.raises(JudgeNotFound, match="no judge 'clip'"):
        await client.score(b"x", "1")
    assert (await client.score(b"x", "1")).judge == "new"
    assert service.listed == 2


async def test_listing_is_retried_too(service: FakeService, client: AsyncClient) -> None:
    service.list_script.extend([refuse(grpc.StatusCode.UNAVAILABLE)] * 3)
    assert (await client.score(b"x", "1")).values.tolist() == [1]
    assert service.listed == 4


async def test_the_clients_timeout_holds_where_a_call_names_none(
    service: FakeService, address: str
) -> None:
    async def endless(context: Context) -> None:
        await asyncio.Event().wait()

    service.script.append(endless)
    async with AsyncClient(address, timeout=0.1) as client:
        with pytest.raises(DeadlineExceeded):
            await client.score(b"x", "1")


async def test_many_calls_at_once(service: FakeService, client: AsyncClient) -> None:
    calls = [client.score(b"x", [str(i), str(i + 1)]) for i in range(20)]
    for i, scores in enumerate(await asyncio.gather(*calls)):
        assert scores.values.tolist() == [i, i + 1]


async def test_closed(address: str) -> None:
    client = AsyncClient(address)
    await client.score(b"x", "1")
    await client.close()
    await client.close()
    with pytest.raises(RuntimeError, match="client is closed: make a new one"):
        await client.score(b"x", "1")
    with pytest.raises(RuntimeError, match="client is closed"):
        await client.list_judges()


def test_senseless_arguments() -> None:
    with pytest.raises(ValueError, match="in_flight is 0, expected at least 1"):
        AsyncClient(in_flight=0)


class InProcess:
    """A transport without a network, which can be full."""

    def __init__(self) -> None:
        self.closed = 0
        self.tries = 0

    async def list_judges(self, timeout: float) -> pb.ListJudgesResponse:
        return pb.ListJudgesResponse(judges=[pb.JudgeInfo(name="here")])

    async def judge(self, request: pb.JudgeRequest, timeout: float) -> pb.JudgeResponse:
        self.tries += 1
        if self.tries == 1:
            raise Overloaded("full", 0.001)
        return await FakeService().Judge(request, FakeContext())

    def judge_stream(self, request: pb.JudgeStreamRequest, timeout: float) -> Any:
        return FakeService().JudgeStream(request, FakeContext())

    async def close(self) -> None:
        self.closed += 1


class FakeContext:
    def invocation_metadata(self) -> tuple[()]:
        return ()


async def test_any_transport_will_do() -> None:
    transport = InProcess()
    async with AsyncClient(transport=transport) as client:
        assert (await client.score(b"x", ["1", "2"])).values.tolist() == [1, 2]
        items = [Item(["1"], [Candidate(["x"])])]
        assert [i async for i, _, _ in client.stream(items)] == [0]
    assert transport.tries == 2 and transport.closed == 1
