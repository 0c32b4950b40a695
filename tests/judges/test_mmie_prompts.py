"""The words of MMIE-Score: found by digest, never run, never mistaken for others."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.judges import mmie_goldens as recorded

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.mmie_prompts import CATEGORIES, URLS, load_prompts, prompt_files


@pytest.fixture
def folder(mmie_goldens: Path, tmp_path: Path) -> Path:
    return recorded.write_prompts(mmie_goldens, tmp_path / "prompts")


def check_published(goldens: Path, place: str) -> None:
    prompts = load_prompts(place)
    texts = recorded.read(goldens, "prompts/text/templates.json")
    assert prompts.templates == texts["full_template_with_placeholders"]
    assert prompts.message == texts["conversation"]["system_message"]
    assert prompts.source == "published"


def test_a_folder_has_the_published_texts(mmie_goldens: Path, folder: Path) -> None:
    check_published(mmie_goldens, str(folder))
    assert [path.name for path in prompt_files(str(folder))] == ["conversation.py", "prompts.py"]


def test_a_folder_may_have_a_text_a_file(mmie_goldens: Path, folder: Path, tmp_path: Path) -> None:
    prompts, texts = load_prompts(str(folder)), tmp_path / "texts"
    texts.mkdir()
    for category in CATEGORIES:
        system = (mmie_goldens / f"prompts/text/{category}_system_prompt.txt").read_bytes()
        (texts / f"{category}.txt").write_bytes(system)
        layout = prompts.templates[category].encode().removeprefix(system)
        (texts / f"{category}-layout.txt").write_bytes(layout)
    (texts / "message.txt").write_bytes(prompts.message.encode())
    assert load_prompts(str(texts)) == prompts


def test_fetched_files_are_found_again_without_a_network(
    mmie_goldens: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []

    def fetch(url: str, path: str, **_: Any) -> None:
        fetched.append(url)
        Path(path).write_bytes((folder / url.rpartition("/")[2]).read_bytes())

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in range(2):
        check_published(mmie_goldens, "published")
    assert fetched == list(URLS)
    assert all("eb0fd6e" in url or "2410d1d" in url for url in fetched)


def test_without_a_network_the_published_texts_are_refused_with_the_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    with pytest.raises(BackboneUnavailable, match=r"no route to host.*mmjudge pull") as refused:
        load_prompts("published")
    assert "prompts = 'paraphrased'" in str(refused.value)


def test_other_texts_are_refused_by_the_names_of_those_that_lack(folder: Path) -> None:
    file = folder / "prompts.py"
    file.write_text(file.read_text(encoding="utf-8").replace("storytelling", "telling"), "utf-8")
    with pytest.raises(BackboneUnavailable, match=r"has the digest of SA; expected those"):
        load_prompts(str(folder))


def test_files_are_parsed_and_never_run(folder: Path, tmp_path: Path) -> None:
    file, trace = folder / "prompts.py", tmp_path / "trace"
    code = f"open({str(trace)!r}, 'w').close()\n"
    file.write_text(code + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_prompts(str(folder)).source == "published"
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"def (", b"\xff\xfe", b"x = '\0'"])
def test_a_file_that_is_no_python_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "prompts.py").write_bytes(content)
    with pytest.raises(BackboneUnavailable, match=r"prompts\.py: cannot be parsed"):
        load_prompts(str(tmp_path))


def test_an_empty_folder_lacks_them_all(tmp_path: Path) -> None:
    with pytest.raises(BackboneUnavailable, match="digest of message, SA, PBL, MSR, SA.layout"):
        load_prompts(str(tmp_path))


def test_what_is_no_folder_is_refused_with_what_may_stand_there() -> None:
    with pytest.raises(BackboneUnavailable, match="expected 'published', 'paraphrased' or a fol"):
        load_prompts("/nowhere")


def test_our_own_words_have_the_same_headings_and_no_sentence_of_theirs(folder: Path) -> None:
    ours, theirs = load_prompts("paraphrased"), load_prompts(str(folder))
    assert ours.source == "paraphrased"
    assert ours.digest != theirs.digest
    for category in CATEGORIES:
        mine, published = ours.templates[category], theirs.templates[category]
        headings = [line for line in published.splitlines() if line.startswith("### ")]
        assert [line for line in mine.splitlines() if line.startswith("### ")] == [
            "### Question",
            *[line for line in headings if line != "### Question"],
        ]
        lines = [line for line in published.splitlines() if len(line) > 30]
        sentences = [sentence.strip() for line in lines for sentence in line.split(". ")]
        assert len(sentences) > 10
        assert not [one for one in sentences if len(one) > 15 and one in mine]
    assert prompt_files("paraphrased") == []
