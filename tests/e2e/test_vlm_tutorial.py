"""The tutorial of judges on vLLM, run as it stands against a server of the same protocol."""

import asyncio
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PIL
from tests.e2e.live_server import live
from tests.judges.chat_server import Said, chat_server, completion, likeliest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial-qwen-vllm.md"


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def judges(endpoint: str) -> dict[str, dict[str, Any]]:
    """The tutorial's judges, at another endpoint that fails at once."""
    config = tomllib.loads(block("toml"))
    backbone = config["backbones"]["qwen"] | {"endpoint": endpoint, "retries": 0, "timeout": 30.0}
    return {
        name: {key: value for key, value in table.items() if key != "backbone"} | backbone
        for name, table in config["judges"].items()
    }


def answer(request: dict[str, Any]) -> Said:
    """Probabilities where they are asked for, a choice of what comes first, and chatter."""
    if request.get("logprobs"):
        return likeliest(("Yes", math.log(0.75)), ("No", math.log(0.25)))
    asked = str(request["messages"])
    return completion("ANALYSIS: sharp\nBETTER IMAGE: 1" if "Image 2" in asked else "What a cube!")


async def test_the_tutorial_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VLLM_KEY", "secret")
    monkeypatch.chdir(tmp_path)
    for name, colour in (("a.png", "red"), ("b.png", "blue")):
        PIL.new("RGB", (32, 32), colour).save(tmp_path / name)
    async with chat_server() as endpoint:
        endpoint.answer = answer
        async with live(**judges(endpoint.url)) as server:
            code = block("py").replace("127.0.0.1:50051", server.server.address)
            await asyncio.to_thread(exec, compile(code, "<tutorial>", "exec"), {})
        assert {request["model"] for request in endpoint.requests} == {
            "Qwen/Qwen2.5-VL-7B-Instruct"
        }
        assert all("Bearer secret" in headers for headers in endpoint.headers)
    rewards, reason, said, better = capsys.readouterr().out.splitlines()
    assert rewards == "[0.75 0.75]"
    assert reason == "UNPARSEABLE candidates[0] no RATING from 1 to 10 in the answer"
    assert said == "What a cube!"
    assert better == "(1, 1) ['POSITION_BIAS']"
