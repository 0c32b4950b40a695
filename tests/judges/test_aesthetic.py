"""Judge `aesthetic` and LAION's heads: real published weights, and towers at tiny size."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.judges.golden_models import (
    company,
    kind,
    picture,
    refusal,
    values,
    verdicts,
    write_aesthetic,
)
from tests.judges.media import refuses_other_media
from tests.judges.test_clip import RED, ColourTower, DirectHost, turned

from mmjudge.client import LocalClient
from mmjudge.contract.info import Input
from mmjudge.contract.items import Candidate, Item, Want
from mmjudge.judges.aesthetic import AestheticBackbone, AestheticJudge, AestheticOptions
from mmjudge.judges.backbones import aesthetic_head
from mmjudge.judges.backbones.aesthetic_head import PUBLISHED, AestheticHead, load_aesthetic_head
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.features import split_features


@pytest.fixture(scope="module")
def client(goldens: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalClient]:
    judges = {}
    for which in ("v1", "v2linear"):
        folder, head = write_aesthetic(goldens, tmp_path_factory.mktemp(which), which)
        judges[which] = {
            "kind": kind("aesthetic"),
            "model": f"transformers:{folder}",
            "head": str(head),
        }
    with LocalClient(judges) as it:
        yield it


@pytest.mark.parametrize("which", ["v1", "v2linear"])
def test_recorded_predictors(goldens: Path, client: LocalClient, which: str) -> None:
    tiny = goldens / "aesthetic/predictor_tiny"
    names = json.loads((tiny / "expected.json").read_text())["columns"]
    expected = np.load(tiny / "expected.npz")
    items = [Item([], [Candidate([picture(goldens, name)])]) for name in names]
    found = company(client, which, items)[:, 0]
    np.testing.assert_allclose(found, expected[which], rtol=0, atol=3e-6)
    np.testing.assert_allclose(found, expected[f"{which}_fp64"], rtol=0, atol=3e-6)


@pytest.mark.parametrize(
    ("head", "inputs"),
    [
        ("sac+logos+ava1-l14-linearMSE", ["rating_vit_l_14", "unit_vit_l_14", "unnormalised_768"]),
        ("sa_0_4_vit_l_14_linear", ["rating_vit_l_14", "unit_vit_l_14"]),
        ("sa_0_4_vit_b_16_linear", ["unit_vit_b_16"]),
        ("sa_0_4_vit_b_32_linear", ["rating_vit_b_32", "unit_vit_b_32"]),
    ],
)
def test_published_heads_over_real_embeddings(goldens: Path, head: str, inputs: list[str]) -> None:
    stored = np.load(goldens / "aesthetic/inputs.npz")
    expected = np.load(goldens / "aesthetic/expected.npz")
    short = f"v1_{head[7:-7]}" if head.startswith("sa_") else f"v2_{head}"
    for name in inputs:
        embeddings = torch.from_numpy(stored[name])
        found = load_aesthetic_head(
            str(goldens / f"aesthetic/{head}.pth"), PUBLISHED[head].sha256, embeddings.shape[1]
        )
        # As the tower's operation makes them: a zero stays one.
        features = split_features(embeddings, None, [0] * len(embeddings))
        rated = [found.rate(one.embedding) for one in features]
        key = f"{short}__{name}__normalised"
        np.testing.assert_allclose(rated, expected[key], rtol=0, atol=2e-5, err_msg=key)


def test_a_published_head_comes_from_its_commit(
    goldens: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(url: str, path: str, hash_prefix: str, progress: bool) -> None:
        asked.append((url, hash_prefix))
        shutil.copy(goldens / "aesthetic/sac+logos+ava1-l14-linearMSE.pth", path)

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    for _ in range(2):  # the second finds it
        load_aesthetic_head("sac+logos+ava1-l14-linearMSE", "", 768)
    assert asked == [
        (
            "https://raw.githubusercontent.com/christophschuhmann/improved-aesthetic-predictor/"
            "6934dd81792f086e613a121dbce43082cb8be85e/sac%2Blogos%2Bava1-l14-linearMSE.pth",
            "21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0",
        )
    ]
    (tmp_path / "checkpoints/sac+logos+ava1-l14-linearMSE.pth").write_bytes(b"changed")
    with pytest.raises(BackboneUnavailable, match="expected sha256 21dd590f"):
        load_aesthetic_head("sac+logos+ava1-l14-linearMSE", "", 768)


def test_a_head_out_of_reach_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any, **__: Any) -> None:
        raise OSError("no route")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(BackboneUnavailable, match="no route; fetch it elsewhere and configure"):
        load_aesthetic_head("sa_0_4_vit_l_14_linear", "", 768)


def test_recorded_digests_are_the_published_ones(goldens: Path) -> None:
    recorded = json.loads((goldens / "aesthetic/expected.json").read_text())
    digests = {f"{name}.pth": head.sha256 for name, head in PUBLISHED.items()}
    assert digests == {name: one["sha256"] for name, one in recorded["weights"].items()}
    commits = {aesthetic_head.V1: "v1", aesthetic_head.V2: "v2"}
    for source, version in commits.items():
        upstream = recorded["upstream"][version]
        assert source == f"{upstream['repo']}/{upstream['commit']}"


def layers(numbers: tuple[int, ...], dim: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    state = {}
    for number, width, out in zip(
        numbers, (dim, *aesthetic_head.WIDTHS), aesthetic_head.WIDTHS, strict=False
    ):
        state[f"layers.{number}.weight"] = torch.randn(out, width, generator=generator) * 0.1
        state[f"layers.{number}.bias"] = torch.randn(out, generator=generator)
    return state


@pytest.mark.parametrize("numbers", [aesthetic_head.LINEAR, aesthetic_head.RELU])
def test_what_stands_between_the_layers_is_told_by_their_numbers(numbers: tuple[int, ...]) -> None:
    relu = numbers == aesthetic_head.RELU
    state = layers(numbers, 24)
    head = AestheticHead(state, 24, "it")
    assert head.relu == relu
    embedding = np.random.default_rng(0).normal(size=24).astype(np.float32)
    values = torch.from_numpy(embedding)
    for place, number in enumerate(numbers):
        values = state[f"layers.{number}.weight"] @ values + state[f"layers.{number}.bias"]
        values = values.relu() if relu and place < 4 else values
    assert head.rate(embedding) == pytest.approx(values.item(), abs=1e-4)


BROKEN: dict[str, Callable[[dict[str, torch.Tensor]], Any]] = {
    "1 missing: layers.7.bias": lambda state: state.pop("layers.7.bias"),
    "1 unexpected: layers.9.bias": lambda state: state.update({"layers.9.bias": torch.zeros(1)}),
    r"1 misshapen: layers.0.weight \[1024, 25\] instead of \[1024, 24\]": lambda state: (
        state.update({"layers.0.weight": torch.zeros(1024, 25)})
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_layers_that_do_not_fit_are_named(fault: str) -> None:
    state = layers(aesthetic_head.LINEAR, 24)
    BROKEN[fault](state)
    with pytest.raises(BackboneUnavailable, match=f"it over embeddings of 24 numbers: .*{fault}"):
        AestheticHead(state, 24, "it")


def test_a_head_of_another_model_is_refused(goldens: Path) -> None:
    file = str(goldens / "aesthetic/sa_0_4_vit_b_32_linear.pth")
    with pytest.raises(BackboneUnavailable, match=r"weight \[1, 512\] instead of \[1, 768\]"):
        load_aesthetic_head(file, "", 768)


def test_a_wrong_digest_is_refused(goldens: Path) -> None:
    file = str(goldens / "aesthetic/sa_0_4_vit_b_32_linear.pth")
    with pytest.raises(BackboneUnavailable, match=f"expected sha256 {'0' * 64}, found c7b14cea"):
        load_aesthetic_head(file, "0" * 64, 512)


def test_a_head_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackboneUnavailable, match="there is no such file; expected its path"):
        load_aesthetic_head(str(tmp_path / "none.pth"), "", 768)
    with pytest.raises(BackboneUnavailable, match="expected hf-hub:ORG/NAME/FILE"):
        load_aesthetic_head("hf-hub:org/name", "", 768)


def aesthetic(tmp_path: Path, weight: list[float]) -> AestheticJudge:
    file = tmp_path / "head.pth"
    torch.save({"weight": torch.tensor([weight]), "bias": torch.tensor([1.0])}, file)
    host = DirectHost(ColourTower())
    return AestheticJudge("it", AestheticOptions(str(file)), AestheticBackbone("some/model"), host)


def test_it_says_that_it_reads_the_image_alone(tmp_path: Path) -> None:
    info = aesthetic(tmp_path, [1, 2, 3]).info
    assert info.reads == (Input.CANDIDATE_IMAGE,)
    assert "of the image alone" in info.description and "reads no text" in info.description
    assert info.provenance["model"] == "some/model"
    assert AestheticBackbone().model == "transformers:openai/clip-vit-large-patch14"


def test_the_head_is_fingerprinted_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    here = aesthetic(tmp_path, [1, 2, 3]).info.fingerprint
    assert aesthetic(tmp_path / "elsewhere", [1, 2, 3]).info.fingerprint == here
    assert aesthetic(tmp_path, [1, 2, 4]).info.fingerprint != here


def test_text_takes_no_part_and_need_not_be_there(goldens: Path, client: LocalClient) -> None:
    image = picture(goldens, "coffee.png")
    items = [
        Item([], [Candidate([image])]),
        Item(["anything"], [Candidate([image])]),
        Item([RED, "a", "b"], [Candidate(["a caption", image, ""])], [["a reference"]]),
    ]
    found = values(client, "v1", items)
    assert found[0] == found[1] == found[2]


def test_images_are_ranked_and_notes_say_which(goldens: Path, client: LocalClient) -> None:
    images = [picture(goldens, name) for name in ("chelsea.png", "astronaut.png")]
    item = Item([], [Candidate([one]) for one in (*images, turned("red"))])
    (verdict,) = verdicts(client, "v1", [item], Want.PREFERENCE)
    assert verdict.judgement is not None
    ranks, scores = verdict.judgement.ranks, verdict.judgement.scores
    assert ranks[0] < ranks[1] and (scores[0].value or 0) > (scores[1].value or 0)
    assert [(note.code, note.field) for note in verdict.notes] == [
        ("IMAGE_ROTATED", "candidates[2].parts[0].image")
    ]


@pytest.mark.parametrize("parts", [["a caption"], [RED, RED]])
def test_a_candidate_is_one_image(client: LocalClient, parts: list[Any]) -> None:
    item = Item([], [Candidate([RED]), Candidate(parts)])
    error = refusal(client, "v1", item)
    assert (error.reason, error.field) == ("IMAGE_EXPECTED", "candidates[1].parts")


def test_other_media_are_refused(client: LocalClient) -> None:
    refuses_other_media(client, "v2linear")
