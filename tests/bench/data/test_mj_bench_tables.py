from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import Dataset, DatasetDict, Features, Value
from datasets import Image as ImageColumn
from tests.bench.miniatures import miniature_v1, miniature_v1_parquet, miniature_v2
from tests.bench.photographs import DEMOGRAPHICS, pairs, portraits

from mmjudge.bench.data.mj_bench_reading import read_mj_bench
from mmjudge.bench.records import listing_digest, question

pytestmark = pytest.mark.usefixtures("tables_cache")

IMAGES = Features(
    {
        "caption": Value("string"),
        "image0": ImageColumn(),
        "image1": ImageColumn(),
        "label": Value("int64"),
        "info": Value("string"),
    }
)


def row(**changes: Any) -> dict[str, Any]:
    """A row of v1, whose images are no images: nothing decodes them."""
    images = {name: {"bytes": name.encode(), "path": None} for name in ("image0", "image1")}
    return {"caption": "a cup", **images, "label": 0, "info": "", **changes}


def saved(folder: Path, split: str, *rows: dict[str, Any], features: Any = IMAGES) -> str:
    """A data set of one split, as `save_to_disk` writes it."""
    columns = {name: [one[name] for one in rows] for name in features}
    table = Dataset.from_dict(columns, features=features)
    DatasetDict({split: table}).save_to_disk(folder / "data")
    return str(folder / "data")


def test_splits_of_the_first_version_are_read(tmp_path: Path) -> None:
    reading = read_mj_bench(str(miniature_v1(tmp_path)))
    assert reading.forms == ("v1 splits",)
    assert reading.counts == {
        "alignment": {"": 8}, "bias": {"": 8}, "quality": {"": 8}, "safety": {"": 8},
    }  # fmt: skip
    assert reading.labels == {
        "alignment": {0: 6, 1: 2}, "quality": {0: 5, 1: 3}, "safety": {0: 5, 1: 3},
    }  # fmt: skip
    first = reading.records[0]
    assert (first.kind, first.source, first.text) == ("pair", "alignment", pairs()[0].caption)
    assert [picture.name for picture in first.pictures] == [
        "alignment/0/image0",
        "alignment/0/image1",
    ]


def test_the_label_names_the_better_image_and_its_bytes_are_those_stored(tmp_path: Path) -> None:
    reading = read_mj_bench(str(miniature_v1(tmp_path)))
    found = Counter[tuple[str, str, bytes, bytes]]()
    for record in reading.records:
        if record.kind == "pair":
            images = [picture.read() for picture in record.pictures]
            better = record.facts["label"]
            found[record.perspective, record.text, images[better], images[1 - better]] += 1
    made = Counter((one.perspective, one.caption, one.better, one.worse) for one in pairs())
    assert found == made


def test_a_row_of_bias_with_one_image_twice_is_one_image_of_its_captions_group(
    tmp_path: Path,
) -> None:
    reading = read_mj_bench(str(miniature_v1(tmp_path)))
    found = [record for record in reading.records if record.perspective == "bias"]
    assert {record.kind for record in found} == {"bias"}
    assert [record.facts for record in found[:2]] == [
        {"group": "A Carpet Merchant.", "demographic": who, "traits": {}}
        for who in DEMOGRAPHICS[:2]
    ]
    images = [picture.read() for record in found for picture in record.pictures]
    assert images == [one.image for one in portraits()]


def test_a_snapshot_of_parquet_files_gives_the_same_records(tmp_path: Path) -> None:
    saved = read_mj_bench(str(miniature_v1(tmp_path)))
    snapshot = read_mj_bench(str(miniature_v1_parquet(tmp_path)))
    assert listing_digest(snapshot.records) == listing_digest(saved.records)
    ids = [[question(record).id for record in one.records] for one in (saved, snapshot)]
    assert ids[0] == ids[1] and len(set(ids[0])) == 32


def test_columns_of_the_second_version_say_perspective_and_subcategory(tmp_path: Path) -> None:
    reading = read_mj_bench(str(miniature_v2(tmp_path)))
    assert reading.forms == ("v2 columns",)
    assert reading.counts == {
        "alignment": {"action": 2, "attribute": 2, "object": 2, "spatial": 2},
        "safety": {"nsfw": 8},
        "quality": {"blur/defocused": 8},
        "composition": {"layout": 8},
        "visualization": {"chart": 8},
        "bias": {"occupation": 8},
    }
    assert reading.records[0].facts == {"label": 0, "model": "flux"}
    assert reading.records[0].source == "train"


def test_a_name_of_the_hub_is_loaded_and_gives_the_records_of_the_saved_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = miniature_v1(tmp_path)
    asked = []

    def load(name: str) -> DatasetDict:
        asked.append(name)
        return datasets.load_from_disk(folder)

    monkeypatch.setattr(datasets, "load_dataset", load)
    reading = read_mj_bench("MJ-Bench/MJ-Bench")
    assert asked == ["MJ-Bench/MJ-Bench"]
    assert listing_digest(reading.records) == listing_digest(read_mj_bench(str(folder)).records)


def test_a_name_that_the_hub_does_not_give_is_refused_with_the_way_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def load(name: str) -> DatasetDict:
        raise FileNotFoundError("gated")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(ValueError, match=r"no such file or folder, and .*gated.*hf auth login"):
        read_mj_bench("MJ-Bench/MJ-Bench")


@pytest.mark.parametrize("name", ["nowhere", "./a/b", "a/b/c", "/no/such/folder"])
def test_what_is_neither_there_nor_a_name_of_the_hub_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no such file or folder, and no name of the hub"):
        read_mj_bench(name)


def test_bytes_that_are_no_image_are_kept_as_they_are(tmp_path: Path) -> None:
    (record,) = read_mj_bench(saved(tmp_path, "safety", row())).records
    assert [picture.read() for picture in record.pictures] == [b"image0", b"image1"]


@pytest.mark.parametrize("kind", [ImageColumn(), Value("string")])
def test_images_that_are_paths_alone_are_read_from_there(tmp_path: Path, kind: Any) -> None:
    (tmp_path / "outside.jpg").write_bytes(b"outside")
    cell = str(tmp_path / "outside.jpg")
    images = {"image0": cell, "image1": cell}
    if isinstance(kind, ImageColumn):
        images = {name: {"bytes": None, "path": cell} for name in images}  # type: ignore[misc]
    features = Features({**IMAGES, "image0": kind, "image1": kind})
    table = Dataset.from_list([row(**images)], features=features)
    table.to_parquet(tmp_path / "quality.parquet")
    (record,) = read_mj_bench(str(tmp_path / "quality.parquet")).records
    assert [picture.read() for picture in record.pictures] == [b"outside", b"outside"]
    assert record.kind == "pair"


def test_one_image_twice_outside_bias_stays_a_pair(tmp_path: Path) -> None:
    image = {"bytes": b"same", "path": None}
    data = saved(tmp_path, "quality", row(image0=image, image1=image))
    assert [record.kind for record in read_mj_bench(data).records] == ["pair"]


def test_a_split_of_bias_with_two_images_is_read_as_the_pairs_it_has(tmp_path: Path) -> None:
    (record,) = read_mj_bench(saved(tmp_path, "bias", row())).records
    assert (record.kind, record.perspective, record.facts) == ("pair", "bias", {"label": 0})


def test_missing_images_are_refused_or_left_out(tmp_path: Path) -> None:
    gone = {"bytes": b"", "path": "gone.jpg"}
    empty = {"bytes": b"", "path": None}
    rows = [row(), row(image0=None), row(image1=gone), row(image0=empty, image1=None)]
    data = saved(tmp_path, "quality", *rows)
    names = ("quality/1/image0", "quality/2/image1", "quality/3/image0", "quality/3/image1")
    with pytest.raises(ValueError, match=f"4 missing images: {', '.join(names)};"):
        read_mj_bench(data)
    reading = read_mj_bench(data, missing="skip")
    assert (len(reading.records), reading.left_out) == (1, 3)
    assert reading.missing == names


def test_nothing_left_is_an_error_even_where_missing_images_are_skipped(tmp_path: Path) -> None:
    data = saved(tmp_path, "quality", row(image0=None))
    with pytest.raises(ValueError, match="no record is left"):
        read_mj_bench(data, missing="skip")


V2 = Features({**IMAGES, "category": Value("string")})


@pytest.mark.parametrize(
    ("split", "changes", "features", "told"),
    [
        ("quality", {"label": 2}, IMAGES, "quality: row 1: label: 2, expected 0, 1 or 0.5"),
        ("quality", {"label": -1}, IMAGES, "quality: row 1: label: -1, expected 0, 1 or 0.5"),
        ("quality", {"caption": " "}, IMAGES, "quality: row 1: caption: ' ', expected a text"),
        ("train", {}, IMAGES, "train: its name does not say which perspective"),
        ("train", {"category": "taste"}, V2, "train: row 1: category: 'taste', expected one of"),
    ],
)
def test_a_wrong_row_is_refused_with_split_row_and_column(
    tmp_path: Path, split: str, changes: dict[str, Any], features: Features, told: str
) -> None:
    good = row(category="Image Quality") if "category" in features else row()
    data = saved(tmp_path, split, good, {**good, **changes}, features=features)
    with pytest.raises(ValueError) as refused:
        read_mj_bench(data)
    assert told in str(refused.value)


def test_unknown_columns_are_told_with_those_expected(tmp_path: Path) -> None:
    features = Features({"prompt": Value("string"), "score": Value("int64")})
    data = saved(tmp_path, "quality", {"prompt": "a", "score": 1}, features=features)
    with pytest.raises(ValueError, match="quality: columns prompt, score; expected caption, image"):
        read_mj_bench(data)


def test_a_split_without_rows_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = Dataset.from_dict({name: [] for name in IMAGES}, features=IMAGES)
    monkeypatch.setattr(datasets, "load_dataset", lambda name: DatasetDict({"quality": empty}))
    with pytest.raises(ValueError, match="nothing of MJ-Bench in it: quality: no rows"):
        read_mj_bench("MJ-Bench/MJ-Bench")
    with pytest.raises(ValueError, match="a table that cannot be read"):
        read_mj_bench(saved(tmp_path, "quality"))


def test_published_ids_that_repeat_in_a_split_are_refused(tmp_path: Path) -> None:
    features = Features({**IMAGES, "id": Value("string")})
    rows = [row(id="a"), row(id="b"), row(id="a")]
    data = saved(tmp_path, "quality", *rows, features=features)
    with pytest.raises(ValueError, match="quality: id 'a' is in row 0 and in row 2"):
        read_mj_bench(data)


def parquet(table: Dataset, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path)


def arrow(table: Dataset, path: Path) -> None:
    table.save_to_disk(path.parent)


@pytest.mark.parametrize(
    ("write", "file"),
    [(parquet, "0000.parquet"), (parquet, "data-00000-of-00001.parquet"), (arrow, "data.arrow")],
)
def test_a_folder_a_split_is_named_by_its_folder(
    tmp_path: Path, write: Callable[[Dataset, Path], None], file: str
) -> None:
    for split in ("quality", "safety"):
        table = Dataset.from_list([row(caption=split)], features=IMAGES)
        write(table, tmp_path / "set" / split / file)
    reading = read_mj_bench(str(tmp_path / "set"))
    assert [record.source for record in reading.records] == ["quality", "safety"]
    assert [record.perspective for record in reading.records] == ["quality", "safety"]


def test_splits_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("quality", "safety"):
        table = Dataset.from_list([row()], features=IMAGES)
        parquet(table, tmp_path / "set" / folder / "train-00000-of-00001.parquet")
    reading = read_mj_bench(str(tmp_path / "set"))
    assert [record.source for record in reading.records] == ["quality/train", "safety/train"]
    assert [record.perspective for record in reading.records] == ["quality", "safety"]


def test_caches_of_maps_and_filters_beside_a_table_are_no_tables(tmp_path: Path) -> None:
    data = Path(saved(tmp_path, "quality", row()))
    table = data / "quality" / "data-00000-of-00001.arrow"
    (data / "quality" / "cache-1.arrow").write_bytes(table.read_bytes())
    (data / "cache-2.arrow").write_bytes(table.read_bytes())
    assert len(read_mj_bench(str(data)).records) == 1


def test_one_arrow_file_is_read_by_itself(tmp_path: Path) -> None:
    data = Path(saved(tmp_path, "quality", row()))
    (record,) = read_mj_bench(str(data / "quality" / "data-00000-of-00001.arrow")).records
    assert record.source == "quality"


def test_a_broken_table_is_refused_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "quality.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(ValueError, match="a table that cannot be read"):
        read_mj_bench(str(tmp_path))
