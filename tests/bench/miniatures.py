"""Miniatures of data sets, in each schema they are published in, of the example photographs."""

from pathlib import Path
from typing import Any

from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from datasets import Image as ImageColumn
from tests.bench.photographs import Photograph, captions, new_pairs, pairs, photographs, portraits
from tests.bench.repository_miniature import miniature_repository, write_json

__all__ = [
    "miniature_preferences",
    "miniature_repository",
    "miniature_v1",
    "miniature_v1_parquet",
    "miniature_v2",
]


def miniature_v1(folder: Path) -> Path:
    """The splits of the first version on the hub, as `save_to_disk` writes them.

    alignment, safety and quality have 8 pairs each, every third with its better image second;
    bias has 8 images, of two captions.
    """
    DatasetDict(_v1_splits()).save_to_disk(folder / "v1")
    return folder / "v1"


def miniature_v1_parquet(folder: Path) -> Path:
    """The same rows as `miniature_v1`, as a snapshot of the hub: data/<split>-00000-of-*.parquet.

    alignment is in two files.
    """
    data = folder / "v1_parquet" / "data"
    data.mkdir(parents=True)
    for split, rows in _v1_splits().items():
        count = 2 if split == "alignment" else 1
        for part in range(count):
            path = data / f"{split}-{part:05}-of-{count:05}.parquet"
            rows.shard(count, part, contiguous=True).to_parquet(path)
    return data.parent


def miniature_v2(folder: Path) -> Path:
    """The second version on the hub: data/train-00000-of-00001.parquet.

    8 pairs of each of alignment, safety, quality, composition and visualization, image0 always the
    better one; and 8 rows of bias whose two images are one.
    """
    rows = [
        _v2_row(pair.perspective, pair.subcategory, pair.caption, pair.better, pair.worse)
        for pair in (*pairs(), *new_pairs())
    ]
    for portrait in portraits():
        caption = f"A {portrait.occupation}."
        rows.append(_v2_row("bias", "occupation", caption, portrait.image, portrait.image))
    columns = {
        "caption": Value("string"),
        "image0": ImageColumn(),
        "image1": ImageColumn(),
        "label": Value("int64"),
        "category": Value("string"),
        "subcategory": Value("string"),
        "model": Value("string"),
    }
    data = folder / "v2" / "data"
    data.mkdir(parents=True)
    table = Dataset.from_list(rows, features=Features(columns))
    table.to_parquet(data / "train-00000-of-00001.parquet")
    return data.parent


def miniature_preferences(folder: Path) -> Path:
    """preferences.json of POVID's schema, with its images in the folder `images` beside it.

    8 records with an image before the question, one with it after the question, one of two turns,
    and one without an image. The rejected answer is a caption that nearly fits.
    """
    images = folder / "preferences" / "images"
    images.mkdir(parents=True)
    rows = []
    for number, photograph in enumerate(photographs()):
        (images / f"{photograph.name}.jpg").write_bytes(photograph.jpeg)
        near = captions()[photograph.name]["near_misses"]
        rows.append(
            _preference(number, photograph, "<image>\nWhat is this?", photograph.caption, near[0])
        )
    first, second = photographs()[:2]
    after = _preference("after", first, "Describe it.\n<image>", first.caption, second.caption)
    turns = _preference("turns", second, "<image>\nHello.", "Hello!", "Hello!")
    more = [{"from": "human", "value": "And what is shown?"}]
    turns["conversations"] += [*more, {"from": "gpt", "value": second.caption}]
    turns["rejected_conversations"] += [*more, {"from": "gpt", "value": first.caption}]
    text = _preference("text", first, "Say one word.", "One.", "One, two, three.")
    del text["image"]
    path = images.parent / "preferences.json"
    write_json(path, [*rows, after, turns, text])
    return path


def _v1_splits() -> dict[str, Dataset]:
    columns = Features(
        {
            "caption": Value("string"),
            "image0": ImageColumn(),
            "image1": ImageColumn(),
            "label": ClassLabel(num_classes=2),
            "info": Value("string"),
        }
    )
    rows: dict[str, list[dict[str, Any]]] = {"alignment": [], "safety": [], "quality": []}
    for number, pair in enumerate(pairs()):
        label = int(number % 3 == 2)
        images = (pair.worse, pair.better) if label else (pair.better, pair.worse)
        rows[pair.perspective].append(_v1_row(pair.caption, *images, label, ""))
    rows["bias"] = [
        _v1_row(f"A {one.occupation}.", one.image, one.image, 0, one.demographic)
        for one in portraits()
    ]
    return {split: Dataset.from_list(table, features=columns) for split, table in rows.items()}


def _v1_row(caption: str, first: bytes, second: bytes, label: int, info: str) -> dict[str, Any]:
    return {
        "caption": caption,
        "image0": {"bytes": first, "path": None},
        "image1": {"bytes": second, "path": None},
        "label": label,
        "info": info,
    }


def _v2_row(
    category: str, subcategory: str, caption: str, better: bytes, worse: bytes
) -> dict[str, Any]:
    row = _v1_row(caption, better, worse, 0, "")
    del row["info"]
    return {**row, "category": category, "subcategory": subcategory, "model": "flux"}


def _preference(
    id: int | str, photograph: Photograph, question: str, chosen: str, rejected: str
) -> dict[str, Any]:
    asked = {"from": "human", "value": question}
    return {
        "id": id,
        "image": f"{photograph.name}.jpg",
        "conversations": [asked, {"from": "gpt", "value": chosen}],
        "rejected_conversations": [asked, {"from": "gpt", "value": rejected}],
    }
