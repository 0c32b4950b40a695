import json
from pathlib import Path
from typing import Any

import pytest
from tests.bench.json_rows import alignment, safety, write
from tests.bench.miniatures import miniature_repository
from tests.bench.photographs import DEMOGRAPHICS, photographs
from tests.goldens import recorded

from mmjudge.bench.data.mj_bench_reading import read_mj_bench
from mmjudge.bench.data.reading import Reading
from mmjudge.bench.records import question


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return miniature_repository(tmp_path)


def of(reading: Reading, perspective: str, subcategory: str) -> list[tuple[str, float, list[str]]]:
    """Text, label and names of images, without their folders."""
    return [
        (record.text, record.facts["label"], [Path(one.name).name for one in record.pictures])
        for record in reading.records
        if (record.perspective, record.subcategory) == (perspective, subcategory)
    ]


def test_a_checkout_is_read_whole(checkout: Path) -> None:
    reading = read_mj_bench(str(checkout))
    assert reading.counts == {
        "alignment": {"action": 3, "attribute": 2, "object": 2, "other": 2, "spatial": 2},
        "quality": {
            "blur/motion": 8,
            "blur/defocused": 8,
            "distortion/human face": 3,
            "distortion/human limbs": 1,
            "distortion/object": 2,
        },
        "bias": {"": 8},
        "safety": {"nsfw": 4, "toxic": 4},
    }
    assert reading.labels == {
        "alignment": {0: 10, 1: 1}, "quality": {0: 20, 0.5: 1, 1: 1}, "safety": {0: 8},
    }  # fmt: skip
    names = ("alignment", "blur", "distortion", "bias", "nsfw", "toxic")
    assert reading.forms == tuple(f"repository JSON: {name}" for name in names)
    assert reading.identical == 0 and reading.missing == ()
    assert len({question(record).id for record in reading.records}) == len(reading.records)


def test_files_that_repeat_others_or_hold_something_else_are_passed_over(checkout: Path) -> None:
    passed_over = dict(read_mj_bench(str(checkout)).passed_over)
    benchmark = "alignment/benchmark/actions"
    assert passed_over.pop(f"{benchmark}/pap_actions_test.json") == (
        f"all of its 1 records are in {benchmark}/actions_test.json"
    )
    assert passed_over.pop("bias/new_bias_dataset_gpt-4o.json") == (
        "all of its 8 records are in bias/eval_images/bias_dataset.json"
    )
    assert passed_over.pop("config/models.json") == "a JSON object, expected a list of rows"
    scores = passed_over.pop("result/clipscore_v1/blur0.0.json")
    assert scores.startswith("columns id, caption, score_0, score_1, label; expected caption, ")
    assert not passed_over


def test_a_file_with_one_record_that_others_lack_is_read(checkout: Path) -> None:
    path = checkout / "alignment" / "benchmark" / "actions" / "pap_actions_test.json"
    row = alignment(image0="coffee.jpg", image1="china.jpg")
    path.write_text(json.dumps([*json.loads(path.read_text()), row]))
    reading = read_mj_bench(str(checkout))
    assert reading.counts["alignment"]["action"] == 5


def test_a_record_of_blur_is_two_pairs_of_the_sharp_image(checkout: Path) -> None:
    reading = read_mj_bench(str(checkout / "artifacts" / "blur_dataset"))
    first = photographs()[0]
    for name, letter in (("motion", "M"), ("defocused", "F")):
        found = of(reading, "quality", f"blur/{name}")
        files = [f"{first.name}_S.jpg", f"{first.name}_{letter}.jpg"]
        assert found[0] == (first.caption, 0, files) and len(found) == 8
    images = [picture.read() for record in reading.records[:2] for picture in record.pictures]
    assert images == [first.jpeg, first.moved, first.jpeg, first.blurred]


@pytest.mark.parametrize(("label_0", "label"), [(1, 0), (0, 1), (0.5, 0.5), ("1", 0), (1.0, 0)])
def test_label_0_says_whether_the_first_image_is_better(
    tmp_path: Path, label_0: Any, label: float
) -> None:
    data = write(tmp_path / "captions_nsfw.json", safety(label_0=label_0))
    (record,) = read_mj_bench(data).records
    assert record.facts == {"label": label}


@pytest.mark.parametrize("label", [0, 1, 0.5])
def test_label_of_alignment_is_the_index_of_the_better_image(tmp_path: Path, label: float) -> None:
    (record,) = read_mj_bench(write(tmp_path / "spatial.json", alignment(label=label))).records
    assert record.facts == {"label": label}


def test_an_edited_images_name_says_what_is_distorted(checkout: Path) -> None:
    reading = read_mj_bench(str(checkout / "artifacts"))
    assert [files for _, _, files in of(reading, "quality", "distortion/human limbs")] == [
        ["mpii_chelsea.jpg", "mpii_chelsea_edited_hands.jpg"]
    ]
    faces = of(reading, "quality", "distortion/human face")
    assert [label for _, label, _ in faces] == [0, 0.5, 1]
    assert faces[2][2] == ["mpii_coffee_edited_face.jpg", "mpii_coffee.jpg"]


def test_images_of_one_name_are_taken_from_the_folders_of_their_columns(checkout: Path) -> None:
    reading = read_mj_bench(str(checkout / "safety" / "toxic"))
    first = photographs()[4]
    assert [one.name for one in reading.records[0].pictures] == [
        f"safe_images/{first.name}.jpg",
        f"unsafety_images/{first.name}.jpg",
    ]
    assert [one.read() for one in reading.records[0].pictures] == [first.jpeg, first.cropped]


def test_bias_keeps_the_occupation_and_which_traits_vary(checkout: Path) -> None:
    record = read_mj_bench(str(checkout / "bias")).records[0]
    traits = {"age": True, "gender": True, "race": False, "nationality": False, "religion": True}
    assert record.facts == {
        "group": "Carpet Merchant",
        "demographic": DEMOGRAPHICS[0],
        "traits": traits,
    }
    assert (record.kind, record.text, len(record.candidates)) == ("bias", "A Carpet Merchant.", 1)
    assert record.pictures[0].read() == photographs()[0].jpeg


@pytest.mark.parametrize(
    ("part", "perspective", "count"),
    [
        ("alignment/benchmark/actions", "alignment", 3),
        ("alignment/benchmark/spatial/spatial_test.json", "alignment", 2),
        ("artifacts/mpii", "quality", 2),
        ("artifacts/human/captions_human.json", "quality", 2),
        ("safety/nsfw", "safety", 4),
        ("bias/eval_images", "bias", 8),
        ("bias/eval_images/bias_dataset.json", "bias", 8),
    ],
)
def test_a_part_of_a_checkout_is_known_by_where_it_is(
    checkout: Path, part: str, perspective: str, count: int
) -> None:
    reading = read_mj_bench(str(checkout / part))
    assert {record.perspective for record in reading.records} == {perspective}
    assert len(reading.records) == count


def test_a_part_is_read_by_a_relative_path_too(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout / "alignment" / "benchmark" / "actions")
    assert read_mj_bench(".").counts == {"alignment": {"action": 3}}


def test_the_dumps_that_the_hubs_splits_were_made_from_are_read(tmp_path: Path) -> None:
    rows = {
        "quality/defocused_blur": alignment(image0="images/s.jpg", image1="images/f.jpg"),
        "safety/nsfw_subtle": alignment(image0="images/s.jpg", image1="images/n.jpg"),
        "alignment/counting": alignment(image0="images/s.jpg", image1="images/c.jpg"),
        "bias/occupation": alignment(
            image0="images/p.jpg", image1="images/p.jpg", info="old_female", caption="A nurse."
        ),
    }
    for letter in "sfncp":
        image = tmp_path / "data" / "images" / f"{letter}.jpg"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_text(letter)
    for name, row in rows.items():
        (tmp_path / "data" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / f"{name}.json").write_text(json.dumps([row]))
    reading = read_mj_bench(str(tmp_path / "data"))
    assert reading.counts == {
        "alignment": {"counting": 1},
        "bias": {"": 1},
        "quality": {"blur/defocused": 1},
        "safety": {"nsfw/subtle": 1},
    }
    assert reading.records[1].facts == {
        "group": "A nurse.", "demographic": "old_female", "traits": {},
    }  # fmt: skip


def test_rows_with_a_category_are_of_the_second_version(tmp_path: Path) -> None:
    row = alignment(category="Composition", subcategory="Layout", model="flux")
    (record,) = read_mj_bench(write(tmp_path / "rows.json", row)).records
    assert (record.perspective, record.subcategory) == ("composition", "layout")
    assert record.facts == {"label": 0, "model": "flux"}


def test_an_object_a_line_is_read_like_a_list(tmp_path: Path) -> None:
    write(tmp_path / "spatial.json", alignment(), alignment(id="pap_1"))
    rows = json.loads((tmp_path / "spatial.json").read_text())
    lines = tmp_path / "spatial.jsonl"
    lines.write_text("\n\n".join(json.dumps(row) for row in rows))
    assert read_mj_bench(str(lines)).counts == {"alignment": {"spatial": 2}}


@pytest.mark.parametrize(
    ("name", "labels"), [("actions", {0: 102, 1: 15}), ("spatial", {0: 70, 1: 6})]
)
def test_the_published_files_are_read(tmp_path: Path, name: str, labels: dict[float, int]) -> None:
    rows = json.loads((recorded("mjbench") / "alignment" / f"{name}_test.json").read_text())
    write(tmp_path / "alignment" / "benchmark" / name / f"{name}_test.json", *rows)
    reading = read_mj_bench(str(tmp_path))
    assert reading.labels == {"alignment": labels}
    assert reading.identical == 0
