import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.server import fakes

from mmjudge.client import Candidate, Client, EncodedImage, Item, LocalClient
from mmjudge.client.errors import (
    DeadlineExceeded,
    InvalidRequest,
    ItemFailed,
    JudgeNotFound,
    SetupError,
)
from mmjudge.client.loop_thread import LoopThread
from mmjudge.server.config import DEFAULT_JUDGES, CacheConfig, LimitsConfig, ServerConfig
from mmjudge.server.serving import Server

PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"
FILES = sorted(path for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg"))
TEXTS = ["a cat", "a cup of espresso", "a rocket on its launch pad", "deep space"]
FAKE = {"kind": "tests.server.fakes:FakeJudge", "operation": "local"}


@pytest.fixture(scope="module")
def photo_lite() -> Iterator[LocalClient]:
    with LocalClient() as client:
        yield client


@pytest.fixture(scope="module")
def served() -> Iterator[Client]:
    """A client of a server with the same configuration, over the network."""
    loop = LoopThread()

    async def start() -> Server:
        server = Server(ServerConfig(address="127.0.0.1:0", judges=DEFAULT_JUDGES))
        await server.start()
        return server

    server = loop.run(start)
    with Client(server.address) as client:
        yield client
    loop.close(lambda: server.stop(0))


@pytest.fixture
def operation() -> Iterator[fakes.FakeOperation]:
    """What the judges of kind `FAKE` run."""
    fakes.OPERATIONS["local"] = operation = fakes.FakeOperation("local")
    yield operation
    operation.gate.set()
    fakes.OPERATIONS.clear()


def texts(*words: str) -> list[Item]:
    return [fakes.text_item(word) for word in words]


def threads() -> set[threading.Thread]:
    return set(threading.enumerate())


def assert_none_left(before: set[threading.Thread]) -> None:
    """Threads are told to end before `close` returns, and end a moment later."""
    ending = time.monotonic() + fakes.GUARD
    # The threads that compute on a CPU are the process's own, and stay.
    while left := [t for t in threads() - before if not t.name.startswith("forward")]:
        assert time.monotonic() < ending, left
        time.sleep(0.001)


def test_scores_are_those_of_a_server_to_the_bit(photo_lite: LocalClient, served: Client) -> None:
    assert len(FILES) == 8
    files = [file for file in FILES for _ in TEXTS]
    here, there = (client.score(files, TEXTS * 8) for client in (photo_lite, served))
    assert here.values.tolist() == there.values.tolist()
    assert len(set(here.values.tolist())) == 32
    assert (here.judge, here.fingerprint) == (there.judge, there.fingerprint)


def test_pixels_and_notes_are_those_of_a_server(photo_lite: LocalClient, served: Client) -> None:
    with Image.open(PHOTOS / "coffee.png") as picture:
        clear = picture.convert("RGBA")
    clear.putalpha(100)
    verdicts = [client.score(clear, "a cup").verdicts[0] for client in (photo_lite, served)]
    assert verdicts[0].notes == verdicts[1].notes
    assert [note.code for note in verdicts[0].notes] == ["ALPHA_IGNORED"]
    assert str(verdicts[0].judgement) == str(verdicts[1].judgement)


def test_lists_what_a_server_lists(photo_lite: LocalClient, served: Client) -> None:
    assert photo_lite.list_judges() == served.list_judges()
    assert photo_lite.wait_until_ready(5) == served.wait_until_ready(5)


def test_groups_are_judged_as_by_a_server(photo_lite: LocalClient, served: Client) -> None:
    group = [Candidate([EncodedImage(file.read_bytes())]) for file in FILES]
    items = [Item([text], group, id=text) for text in TEXTS]
    here, there = (client.judge(items, want="preference") for client in (photo_lite, served))
    for mine, other in zip(here, there, strict=True):
        assert mine.judgement and other.judgement
        assert mine.judgement.ranks == other.judgement.ranks
        assert sorted(mine.judgement.ranks) == list(range(1, 9))
    assert [v.tolist() for v in here.candidate_values] == [
        v.tolist() for v in there.candidate_values
    ]


def test_a_stream_gives_every_verdict_once(photo_lite: LocalClient) -> None:
    items = [Item([EncodedImage(file.read_bytes())], [Candidate([TEXTS[0]])]) for file in FILES]
    values = photo_lite.judge(items).values.tolist()
    answers = {index: verdict for index, _, verdict in photo_lite.stream(items)}
    assert sorted(answers) == list(range(8))
    for index, verdict in answers.items():
        assert verdict.judgement and verdict.judgement.scores[0].value == values[index]


def test_a_bad_item_fails_alone(photo_lite: LocalClient) -> None:
    with pytest.raises(ItemFailed, match="TEXT_EMPTY"):
        photo_lite.score(FILES[0], ["a cat", ""])
    scores = photo_lite.score(FILES[0], ["a cat", ""], on_failure="nan")
    assert scores.values[0] == photo_lite.score(FILES[0], "a cat").values[0]
    assert str(scores.values[1]) == "nan"


def test_requests_are_refused_as_by_a_server(photo_lite: LocalClient, served: Client) -> None:
    for client in (photo_lite, served):
        with pytest.raises(JudgeNotFound, match="'photolite'; hosted are: photo-lite"):
            client.score(FILES[0], "a cat", judges="photolite")
        with pytest.raises(InvalidRequest, match="'photo-lite' is named twice"):
            client.score(FILES[0], "a cat", judges=["photo-lite", "photo-lite"])


@pytest.mark.parametrize("form", ["mapping", "path", "string", "config"])
def test_a_configuration_in_each_form(
    operation: fakes.FakeOperation, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "judges.toml"
    path.write_text('[judges.fake]\nkind = "tests.server.fakes:FakeJudge"\noperation = "local"\n')
    config: Any = {
        "mapping": {"fake": FAKE},
        "path": path,
        "string": str(path),
        "config": ServerConfig(judges={"fake": FAKE}),
    }[form]
    with LocalClient(config) as client:
        assert list(client.list_judges().judges) == ["fake"]
        verdicts = client.judge(texts("a", "b", "a"))
    assert verdicts.values.tolist() == [fakes.score_of(word) for word in "aba"]
    assert operation.forwarded == ["example", "a", "b"]  # the second "a" was known


def test_no_judges_means_photo_lite_in_each_form(
    tmp_path: Path, photo_lite: LocalClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosting = photo_lite.list_judges()
    assert list(hosting.judges) == ["photo-lite"]
    monkeypatch.setattr("mmjudge.server.config.DEFAULT_JUDGES", {"default": FAKE})
    path = tmp_path / "server.toml"
    path.write_text("grace = 1.0\n")
    configs: tuple[Any, ...] = (None, {}, ServerConfig(), path)
    for config in configs:
        with LocalClient(config) as client:
            assert list(client.list_judges().judges) == ["default"]
    fakes.OPERATIONS.clear()


def test_limits_are_the_configured_ones(operation: fakes.FakeOperation) -> None:
    config = ServerConfig(judges={"fake": FAKE}, limits=LimitsConfig(max_candidates=2))
    with LocalClient(config) as client:
        assert client.list_judges().limits.max_candidates == 2
        with pytest.raises(ItemFailed, match="candidates"):
            client.judge([fakes.text_item("a", "b", "c")])


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"a": {"kind": "clpi"}}, "did you mean 'clip'"),
        ({"a": {"kind": "clip", "modle": "x"}}, "judges.a.modle: unknown key"),
        ({"a": "clip"}, "judges.a: 'clip', expected a table"),
        ({"a": {"kind": "nowhere:Judge"}}, "nowhere"),
        ({"a": FAKE, "b": {"kind": "clip", "device": "tpu7"}}, "tpu7"),
        ({"a": FAKE, "b": {**FAKE, "operation": "bad"}}, "judge b"),
    ],
)
def test_a_bad_configuration_is_told_and_leaves_no_thread(
    operation: fakes.FakeOperation, config: Any, told: str
) -> None:
    fakes.OPERATIONS["bad"] = bad = fakes.FakeOperation("bad")
    bad.fault = lambda batch: ValueError("this weight is broken")
    before = threads()
    with pytest.raises(SetupError) as raised:
        LocalClient(config)
    assert told in str(raised.value)
    assert_none_left(before)


def test_a_file_that_is_missing_leaves_no_thread(tmp_path: Path) -> None:
    before = threads()
    with pytest.raises(FileNotFoundError):
        LocalClient(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_text("judges = [")
    with pytest.raises(SetupError, match="bad.toml: not TOML"):
        LocalClient(tmp_path / "bad.toml")
    assert_none_left(before)


def test_closing_ends_its_threads_and_may_be_repeated(operation: fakes.FakeOperation) -> None:
    before = threads()
    client = LocalClient({"fake": FAKE})
    client.judge(texts("a"))
    assert threads() - before
    client.close()
    client.close()
    assert_none_left(before)
    with pytest.raises(RuntimeError, match="the client is closed"):
        client.list_judges()
    with pytest.raises(RuntimeError, match="the client is closed"):
        next(client.stream(texts("a")))


def test_leaving_the_context_by_an_error_closes_it(operation: fakes.FakeOperation) -> None:
    before = threads()
    with pytest.raises(ZeroDivisionError), LocalClient({"fake": FAKE}) as client:
        assert client.judge(texts("a")).values.tolist() == [fakes.score_of("a")]
        raise ZeroDivisionError
    assert_none_left(before)


def test_a_client_that_nobody_holds_ends_its_threads(operation: fakes.FakeOperation) -> None:
    before = threads()
    LocalClient({"fake": FAKE}).judge(texts("a"))
    assert_none_left(before)


def test_many_threads_share_it_and_their_batches(operation: fakes.FakeOperation) -> None:
    config = ServerConfig(judges={"fake": FAKE}, cache=CacheConfig(feature_bytes=0))
    with LocalClient(config, timeout=fakes.GUARD) as client:
        operation.gate.clear()

        def ask(number: int) -> list[float]:
            words = [f"word {number} {i}" for i in range(4)]
            values: list[float] = client.judge(texts(*words)).values.tolist()
            assert values == [fakes.score_of(word) for word in words]
            return values

        with ThreadPoolExecutor(8) as pool:
            asked = [pool.submit(ask, number) for number in range(8)]
            ending = time.monotonic() + fakes.GUARD
            while len(operation.prepared) < 1 + 32:  # all wait at the gate or behind it
                assert time.monotonic() < ending
                time.sleep(0.001)
            operation.gate.set()
            assert len({value for one in asked for value in one.result()}) == 32
    assert sorted(operation.forwarded[1:]) == sorted(
        f"word {number} {i}" for number in range(8) for i in range(4)
    )
    # One batch was taken by whoever came first; what waited behind it went in full ones of 8.
    assert len(operation.forwards) <= 1 + 1 + 4


@pytest.mark.parametrize("way", ["client", "call", "stream"])
def test_a_deadline_withdraws_what_waits(operation: fakes.FakeOperation, way: str) -> None:
    with LocalClient({"fake": FAKE}, timeout=0.2 if way == "client" else 60) as client:
        operation.gate.clear()
        with pytest.raises(DeadlineExceeded):
            match way:
                case "client":
                    client.judge(texts(*"abcdefghij"))
                case "call":
                    client.judge(texts(*"abcdefghij"), timeout=0.2)
                case "stream":
                    list(client.stream(texts(*"abcdefghij"), timeout=0.2))
        operation.gate.set()
        after = client.judge(texts("last"), timeout=60)
        assert after.values.tolist() == [fakes.score_of("last")]
    # A batch that runs is not interrupted; the others never started.
    assert operation.forwards[0] == ["example"] and operation.forwards[-1] == ["last"]
    assert len(operation.forwards) <= 3


def test_pixels_score_as_the_file_they_come_from(photo_lite: LocalClient) -> None:
    with Image.open(PHOTOS / "chelsea.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert (
        photo_lite.score(pixels, "a cat").values.tolist()
        == photo_lite.score(PHOTOS / "chelsea.png", "a cat").values.tolist()
    )
