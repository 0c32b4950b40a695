"""The documentation's examples, run as they stand against a server of one's own."""

import re
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from pathlib import Path

import pytest

from mmjudge.cli.server_process import own_server
from mmjudge.server.config import ServerConfig, judge_configs, read_config

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Beside what a trainer's own script has, which is not there.
WITHIN_TRAINERS = ROOT / "docs" / "rl"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)


def test_python_examples_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    examples = [
        code for page in PAGES if page.parent != WITHIN_TRAINERS for code in blocks(page, "python")
    ]
    assert len(examples) >= 2
    with own_server() as address:
        for code in examples:
            exec(compile(code.replace("127.0.0.1:50051", address), "<docs>", "exec"), {})
    scores, judge, ranks, reward = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"\[0\.\d+ +0\.\d+\]", scores)
    assert judge.startswith("photo-lite ")
    assert ranks == "(1, 2)"
    assert re.fullmatch(r"torch.Size\(\[2, 77\]\) tensor\(\[.*\], dtype=torch.int32\)", reward)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_examples_compile(page: Path) -> None:
    for code in blocks(page, "python"):
        compile(code, page.name, "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_configurations_parse(tmp_path: Path) -> None:
    examples = [text for page in PAGES for text in blocks(page, "toml")]
    assert len(examples) >= 3
    for number, text in enumerate(examples):
        file = tmp_path / f"{number}.toml"
        file.write_text(text)
        judge_configs(read_config(file))


def test_the_documented_defaults_are_the_defaults(tmp_path: Path) -> None:
    (text,) = [t for t in blocks(ROOT / "docs" / "server.md", "toml") if t.startswith("address")]
    file = tmp_path / "defaults.toml"
    file.write_text(text)
    assert read_config(file) == ServerConfig()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), target
