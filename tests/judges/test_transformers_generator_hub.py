"""Vision-language models of a hub: at one commit, fetched once, then loaded without the hub."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.judges.fake_hub import HEAD, FakeHub, go_offline, serving_hub
from tests.judges.loaded_generators import generator, local
from tests.judges.tiny_generators import write_qwen2_5_vl

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.transformers_generator import load_transformers_generator
from mmjudge.judges.backbones.transformers_generator_files import generator_files

NAME = "org/tiny"
COMMIT = "0123456789" * 4

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with serving_hub(tmp_path / "cache", monkeypatch) as serving:
        serving.add(NAME, write_qwen2_5_vl(tmp_path / "model"))
        yield serving


def test_pulled_files_are_all_that_loading_needs(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = local(Path(NAME), revision=COMMIT)
    generator_files(config)
    assert hub.fetched == {(file, COMMIT) for file in hub.files}
    go_offline(monkeypatch)
    model = load_transformers_generator(config)
    assert model.provenance == generator("qwen2_5_vl").provenance
    assert model.told == {"model": NAME, "revision": COMMIT}


def test_without_a_revision_all_files_are_of_the_newest_commit(hub: FakeHub) -> None:
    model = load_transformers_generator(local(Path(NAME)))
    assert model.told == {"model": NAME, "revision": HEAD}
    assert {revision for _, revision in hub.fetched} == {"main", HEAD}


def test_what_was_never_pulled_is_unavailable_offline(
    hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_offline(monkeypatch)
    with pytest.raises(BackboneUnavailable, match="mmjudge pull"):
        load_transformers_generator(local(Path(NAME), revision=COMMIT))
