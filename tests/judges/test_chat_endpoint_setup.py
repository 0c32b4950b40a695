"""What a chat endpoint must be told, what it tells of itself, and that its key stays a secret."""

import logging
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
from tests.judges.chat_server import Said, asking, chat_server, completion, question
from tests.judges.direct_host import DirectHost

from mmjudge.contract.errors import ItemError
from mmjudge.judges.backbones.chat_endpoint import ChatEndpoint
from mmjudge.judges.backbones.chat_key import read_key
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Sampling
from mmjudge.judges.backbones.generator_config import GeneratorConfig, load_generator
from mmjudge.judges.fingerprint import fingerprint

URL = "http://127.0.0.1:1/v1"
KEY = "sk-do-not-tell-0123456789"
VARIABLE = "MMJUDGE_TEST_KEY"


def config(**settings: Any) -> GeneratorConfig:
    return GeneratorConfig(**{"model": "tiny", "endpoint": URL, **settings})


def refusal(**settings: Any) -> str:
    with pytest.raises(BackboneUnavailable) as caught:
        ChatEndpoint(config(**settings))
    assert KEY not in "".join(traceback.format_exception(caught.value))
    return str(caught.value)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"\n {KEY} \n")
    path.chmod(0o600)
    return path


def test_an_endpoint_is_loaded_by_its_configuration_and_asks_nothing() -> None:
    backbone = load_generator(config())
    assert isinstance(backbone, ChatEndpoint) and backbone.family == "endpoint"
    backbone.check_single_tokens(("1", "10", "a long answer"))
    host = DirectHost()
    assert backbone.serve(host) is backbone.serve(host)


def test_the_fingerprint_is_of_the_model_and_where_it_is_asked() -> None:
    def digest(**settings: Any) -> str:
        return fingerprint(ChatEndpoint(config(**settings)).provenance)

    assert digest() == digest(timeout=1.0, retries=0, concurrency=2)
    other = "http://127.0.0.1:2/v1"
    assert len({digest(), digest(model="other"), digest(endpoint=other)}) == 3
    assert ChatEndpoint(config()).told == {"source": URL}


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8000/v1",
        "ftp://host/v1",
        "http://",
        "http:///v1",
        "http://host:port/v1",
        "http://host:0/v1",
        "http://host:99999/v1",
        "http://[::1/v1",
        "http://a host/v1",
        "http://host/v1\n",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    assert "expected one such as http://127.0.0.1:8000/v1" in refusal(endpoint=url)


@pytest.mark.parametrize(
    "url", [f"http://me:{KEY}@h/v1", f"http://{KEY}@h/v1", f"http://h/v1?key={KEY}", "http://h/#a"]
)
def test_a_url_with_a_secret_is_refused_without_repeating_it(url: str) -> None:
    assert "api_key_env or api_key_file" in refusal(endpoint=url)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"model": ""}, "model: is empty"),
        ({"concurrency": 0}, "concurrency: 0, expected at least 1"),
        ({"retries": -1}, "retries: -1, expected at least 0"),
        ({"max_images": -1}, "max_images: -1, expected at least 0"),
        ({"timeout": 0.0}, "timeout: 0.0, expected seconds above 0"),
        ({"timeout": float("nan")}, "timeout: nan"),
        ({"timeout": float("inf")}, "timeout: inf"),
    ],
)
def test_settings_without_a_sense_are_refused(setting: dict[str, Any], told: str) -> None:
    assert told in refusal(**setting)


def test_a_missing_library_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    assert "pip install 'mmjudge[chat]'" in refusal()


def test_a_key_is_read_from_a_variable_or_a_file(
    monkeypatch: pytest.MonkeyPatch, key_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, f"{KEY}\n")
    assert read_key(config(api_key_env=VARIABLE)).sent == KEY
    assert read_key(config(api_key_file=str(key_file))).sent == KEY
    assert read_key(config()).sent not in ("", KEY)
    assert not caplog.records


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_file_that_others_can_read_is_warned_of(
    mode: int, key_file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key_file.chmod(mode)
    assert read_key(config(api_key_file=str(key_file))).sent == KEY
    assert f"chmod 600 {key_file}" in caplog.text and KEY not in caplog.text


def test_a_key_that_cannot_be_had_is_told_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, key_file: Path
) -> None:
    both = refusal(api_key_env=VARIABLE, api_key_file=str(key_file))
    assert "api_key_env and api_key_file are both set" in both
    monkeypatch.delenv(VARIABLE, raising=False)
    assert f"export {VARIABLE}=" in refusal(api_key_env=VARIABLE)
    monkeypatch.setenv(VARIABLE, " ")
    assert f"export {VARIABLE}=" in refusal(api_key_env=VARIABLE)
    assert "No such file" in refusal(api_key_file=str(key_file.parent / "none"))
    assert "Is a directory" in refusal(api_key_file=str(key_file.parent))
    for content in (f"{KEY}\n{KEY}".encode(), f"key {KEY}".encode(), b"\xff\xfe" + KEY.encode()):
        key_file.write_bytes(content)
        assert "holds no key" in refusal(api_key_file=str(key_file))
    key_file.write_bytes(b"\n")
    assert "is empty" in refusal(api_key_file=str(key_file))


async def test_the_key_is_sent_to_the_endpoint_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    caplog.set_level(logging.DEBUG)
    echo = f"wrong key {KEY}"
    says = [
        completion(),
        Said({"error": {"message": echo}}, 401),
        Said({"error": {"message": "x" * 290 + KEY}}, 400),
        Said({"error": {"message": echo}}, 500),
        Said(echo.encode()),
        Said(b"", status=200, headers={"content-length": echo}),
    ]
    shown: list[str] = []
    async with chat_server(*says) as server:
        endpoint = ChatEndpoint(config(endpoint=server.url, api_key_env=VARIABLE, retries=0))
        generator = endpoint.serve(DirectHost())
        await generator.reply(question(), Sampling())
        for _ in says[1:]:
            with pytest.raises(ItemError) as caught:
                await generator.reply(question(), Sampling())
            shown += traceback.format_exception(caught.value)
        shown += [repr(endpoint), str(endpoint.provenance), str(endpoint.told), repr(generator)]
        shown += [repr(vars(endpoint)), repr(vars(generator))]
        await endpoint.aclose()
    assert all(f"authorization: bearer {KEY}" in head.lower() for head in server.headers)
    assert len(server.headers) == len(says)
    assert "wrong key [key]" in "".join(shown)
    assert KEY not in "".join(shown) and KEY[:9] not in "".join(shown)
    assert len(caplog.records) > 10 and KEY not in caplog.text


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_told_by_the_setting_that_it_comes_from(
    status: int, monkeypatch: pytest.MonkeyPatch, key_file: Path
) -> None:
    monkeypatch.setenv(VARIABLE, KEY)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "no key was sent: set api_key_env or api_key_file"),
        ({"api_key_env": VARIABLE}, f"the key of api_key_env {VARIABLE!r}"),
        ({"api_key_file": str(key_file)}, f"the key of api_key_file {str(key_file)!r}"),
    ]
    for settings, told in cases:
        async with chat_server(Said(b"who are you?", status)) as server:
            async with asking(server, **settings) as generator:
                with pytest.raises(ItemError) as caught:
                    await generator.reply(question(), Sampling())
        assert caught.value.error.reason == "ENDPOINT_REFUSED_REQUEST"
        assert f"with {status}: who are you?" in str(caught.value) and told in str(caught.value)
        assert len(server.requests) == 1
