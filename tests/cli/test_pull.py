import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import KIND, Run, run_process
from tests.judges import tiny_models
from tests.judges.fake_hub import HEAD, FakeHub, go_offline, serving_hub

from mmjudge.cli.terminal import ExitStatus
from mmjudge.client import LocalClient

PICKSCORE, HPS = "mmjudge.judges.pickscore:PickScoreJudge", "mmjudge.judges.hps:HpsJudge"
ENSEMBLE = "mmjudge.judges.ensemble:EnsembleJudge"
SECTIONS = f"""
[judges.text]
kind = "clip"
model = "transformers:us/clip"
device = "cpu"
[judges.people]
kind = "{HPS}"
[judges.both]
kind = "{ENSEMBLE}"
weights = {{ one = 1.0, two = 1.0 }}
[judges.both.parts.one]
kind = "{HPS}"
[judges.both.parts.two]
kind = "clip"
"""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.write_clip(tmp_path_factory.mktemp("clip"))


@pytest.fixture
def hub(tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving_hub(tmp_path / "cache", monkeypatch) as hub:
        hub.add("us/clip", clip)
        hub.add("yuvalkirstain/PickScore_v1", clip)
        hub.add("laion/CLIP-ViT-H-14-laion2B-s32B-b79K", clip)
        hub.files["xswu/HPSv2/HPS_v2.1_compressed.pt"] = b"weights"
        yield hub


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "judges.toml"
    path.write_text(SECTIONS)
    return path


def pulled(run: Run, *arguments: str | Path) -> list[dict[str, Any]]:
    result = run("pull", *arguments, "--json")
    assert (result.status, result.err) == (0, "")
    return [json.loads(line) for line in result.out.splitlines()]


def test_kinds_with_their_defaults(run: Run, hub: FakeHub) -> None:
    files = pulled(run, PICKSCORE, HPS, PICKSCORE)
    assert [file["judge"] for file in files] == [PICKSCORE] * 6 + [HPS]
    weights = next(file for file in files if file["file"] == "model.safetensors")
    stored = Path(weights.pop("path"))
    assert stored.read_bytes() == hub.files["yuvalkirstain/PickScore_v1/model.safetensors"]
    assert weights == {
        "judge": PICKSCORE,
        "file": "model.safetensors",
        "source": "yuvalkirstain/PickScore_v1",
        "revision": "a4e4367c6dfa7288a00c550414478f865b875800",
        "bytes": stored.stat().st_size,
        "sha256": hub.etag("yuvalkirstain/PickScore_v1/model.safetensors"),
        "checked": "sha256",
    }
    small = next(file for file in files if file["file"] == "config.json")
    assert small["checked"] == "git"


def test_all_judges_of_a_file_or_those_named(run: Run, hub: FakeHub, config: Path) -> None:
    everything = pulled(run, "--config", config)
    assert {file["judge"] for file in everything} == {"text", "people", "both"}
    text = pulled(run, "--config", config, "text")
    assert text == [file for file in everything if file["judge"] == "text"]
    assert {file["revision"] for file in text} == {HEAD}


def test_parts_of_an_ensemble(run: Run, hub: FakeHub, config: Path) -> None:
    (file,) = pulled(run, "both", "--config", config)
    assert (file["judge"], file["file"]) == ("both", "HPS_v2.1_compressed.pt")


def test_what_is_printed(run: Run, hub: FakeHub, config: Path) -> None:
    result = run("pull", "--config", config)
    assert result.status == 0
    *files, told, how = result.out.splitlines()
    digest = hub.etag("xswu/HPSv2/HPS_v2.1_compressed.pt")
    assert files[-1] == (
        "both: HPS_v2.1_compressed.pt of xswu/HPSv2 at 697403c78157020a1ae59d23f111aa58ced35b0a, "
        f"7 bytes, sha256 {digest}, as it must be"
    )
    assert sum(line.endswith("the hub's etag checked") for line in files) == len(files) - 3
    assert f"{len(files) - 1} files of " in told and told.endswith("for text, people, both.")
    assert how.endswith(f"HF_HUB_OFFLINE=1 mmjudge serve {config}")


def test_the_embedded_judge_needs_nothing(run: Run) -> None:
    result = run("pull", "clip")
    assert result.status == 0
    assert result.out.startswith("0 files of 0 bytes are here for clip.")


def test_what_was_pulled_is_served_without_a_hub(
    run: Run, hub: FakeHub, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = {"text": {"kind": "clip", "model": "transformers:us/clip", "device": "cpu"}}
    pulled(run, "text", "--config", config)
    go_offline(monkeypatch)
    with LocalClient(section) as client:
        assert client.list_judges().judges["text"].provenance["model"] == "transformers:us/clip"
    assert pulled(run, "text", "--config", config)  # a check of the cache, as it is


@pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
def test_another_content_than_the_hub_s_is_refused(
    run: Run, hub: FakeHub, config: Path, file: str
) -> None:
    name, digits = ("sha256", 64) if file == "model.safetensors" else ("git's sha1", 40)
    hub.named[f"us/clip/{file}"] = "0" * digits
    result = run("pull", "text", "--config", config)
    assert result.status == ExitStatus.MISTAKE
    assert f"expected {name} {'0' * digits}" in result.error
    assert "fetch the file again" in result.error and result.out == ""


def test_another_digest_than_the_configured_one_is_refused(
    run: Run, hub: FakeHub, config: Path
) -> None:
    config.write_text(f'[judges.it]\nkind = "{HPS}"\nsha256 = "{"0" * 64}"\n')
    result = run("pull", "--config", config)
    assert result.status == ExitStatus.MISTAKE
    assert f"expected sha256 {'0' * 64}, found {hub.etag('xswu/HPSv2/HPS_v2.1_compressed.pt')}" in (
        result.error
    )


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "none, expected kinds such as pickscore, or a file with judges as --config FILE"),
        (("clpi",), "no kind of judge is called 'clpi': did you mean 'clip'?"),
        (("clip", "clpi"), "--config FILE has judges of other names"),
        ((ENSEMBLE,), "parts: none, expected the section of a judge"),
        ((KIND,), "kind FakeJudge does not say which files it loads"),
        (("--config", "no.toml"), "no.toml"),
    ],
)
def test_mistakes(run: Run, arguments: tuple[str, ...], told: str) -> None:
    result = run("pull", *arguments)
    assert result.status == ExitStatus.MISTAKE
    assert told in result.error and result.out == ""


def test_mistakes_in_a_configuration(run: Run, config: Path) -> None:
    result = run("pull", "txt", "--config", config)
    assert result.status == ExitStatus.MISTAKE
    assert f"{config}: judges.txt: there is no such judge; did you mean 'text'?" in result.error
    config.write_text('[judges.a]\nkind = "clip"\nmodle = "x"\n')
    result = run("pull", "a", "--config", config)
    assert result.status == ExitStatus.MISTAKE
    assert "judges.a.modle: unknown key; did you mean 'model'?" in result.error


def test_a_hub_out_of_reach_ends_in_one_line(tmp_path: Path, config: Path) -> None:
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    result = run_process("pull", "text", "--config", config, env=offline)
    assert result.status == ExitStatus.MISTAKE
    assert result.error.startswith("judges.text: transformers:us/clip: no config.json (")
    assert "`mmjudge pull JUDGE`" in result.error and result.out == ""


def test_the_part_that_fails_is_named(run: Run, hub: FakeHub, config: Path) -> None:
    del hub.files["xswu/HPSv2/HPS_v2.1_compressed.pt"]
    result = run("pull", "both", "--config", config, "--json")
    assert result.status == ExitStatus.MISTAKE
    assert result.error.startswith("judges.both.parts.one: xswu/HPSv2: RepositoryNotFoundError: ")
