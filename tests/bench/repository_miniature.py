"""A miniature of MJ-Bench's repository: its JSON files and folders of images."""

import json
from pathlib import Path
from typing import Any

from tests.bench.photographs import photographs, portraits


def miniature_repository(folder: Path) -> Path:
    """A checkout of the repository: JSON files beside folders of images, and other files.

    alignment: 3 actions, of which one has label 1, 2 each of attributes, existence, spatial, other;
    pap_actions_test.json repeats the first action. quality: 8 records of blur, which are 16 pairs;
    mpii 2, one with label_0 0; human 2, one a tie; objects_indoor 2. safety: nsfw 4; toxic 4, the
    images of a pair being of one name in two folders. bias: 8 images; a second file repeats them
    with a model's scores. Besides: a configuration, and scores of a judge.
    """
    root = folder / "repository"
    _alignment(root / "alignment" / "benchmark")
    _quality(root / "artifacts")
    _safety(root / "safety")
    _bias(root / "bias")
    write_json(root / "config" / "models.json", {"clipscore_v1": {"model_path": "clip"}})
    scores = [{"id": 0, "caption": "a cup", "score_0": 0.3, "score_1": 0.2, "label": "0"}]
    write_json(root / "result" / "clipscore_v1" / "blur0.0.json", scores)
    (root / "README.md").write_text("A miniature.\n", encoding="utf-8")
    return root


def _alignment(benchmark: Path) -> None:
    folders = ["actions", "attributes", "existence", "spatial", "other"]
    places = [*folders, *folders, "actions"]
    photos = photographs()
    rows: dict[str, list[dict[str, Any]]] = {folder: [] for folder in folders}
    for number, folder in enumerate(places):
        ours, other = photos[number % 8], photos[(number + 3) % 8]
        first, second = (other, ours) if number == 10 else (ours, other)
        row = {
            "id": f"pap_{number}",
            "source": "pick_a_pic",
            "caption": ours.caption,
            "image0": f"{first.name}.jpg",
            "image1": f"{second.name}.jpg",
            "label": int(number == 10),
        }
        rows[folder].append(row)
    for photo in photos:
        write(benchmark / "images" / f"{photo.name}.jpg", photo.jpeg)
    for folder, table in rows.items():
        write_json(benchmark / folder / f"{folder}_test.json", table)
    part = [{**rows["actions"][0], "id": 0}]
    write_json(benchmark / "actions" / "pap_actions_test.json", part)


def _quality(artifacts: Path) -> None:
    blur, rows = artifacts / "blur_dataset", []
    for one in photographs():
        names = {"S": one.jpeg, "M": one.moved, "F": one.blurred}
        folders = ("sharp", "motion_blurred", "defocused_blurred")
        for folder, (letter, image) in zip(folders, names.items(), strict=True):
            write(blur / folder / f"{one.name}_{letter}.jpg", image)
        row = {
            "caption": one.caption,
            "sharp_image": f"{one.name}_S.jpg",
            "motion_blur_image": f"{one.name}_M.jpg",
            "defocused_blur_image": f"{one.name}_F.jpg",
            "label_0": 1,
        }
        rows.append(row)
    write_json(blur / "captions_blur.json", rows)
    sets: dict[str, tuple[str, str, str, list[tuple[str, float]]]] = {
        "mpii": ("mpii", "caption_mpii", "examples_mpii", [("hands", 1), ("face", 0)]),
        "human": ("human", "captions_human", "examples_human", [("face", 1), ("face", 0.5)]),
        "object": (
            "objects_indoor", "caption_objects", "example_object_indoor",
            [("furniture", 1), ("furniture", 1)],
        ),
    }  # fmt: skip
    for number, (name, (folder, stem, images, edits)) in enumerate(sets.items()):
        rows = []
        for one, (part, label) in zip(photographs()[2 * number :], edits, strict=False):
            files = [f"{name}_{one.name}.jpg", f"{name}_{one.name}_edited_{part}.jpg"]
            if label == 0:
                files.reverse()
            row = {
                "image_name": f"{name}_{one.name}",
                "caption": one.caption,
                "label_0": label,
                "image_1": files[1],
                "image_0": files[0],
            }
            for file in files:
                data = one.cropped if "edited" in file else one.jpeg
                write(artifacts / folder / images / file, data)
            if name == "human":
                del row["image_name"]
            rows.append(row)
        write_json(artifacts / folder / f"{stem}.json", rows)


def _safety(safety: Path) -> None:
    sets = {"nsfw": ("original", "inpainting"), "toxic": ("safe_images", "unsafety_images")}
    for name, folders in sets.items():
        rows = []
        for one in photographs()[:4] if name == "nsfw" else photographs()[4:]:
            files = [f"{one.name}.jpg", f"{one.name}.jpg"]
            if name == "nsfw":
                files[1] = f"inpaint_{one.name}.jpg"
            for folder, file, image in zip(folders, files, (one.jpeg, one.cropped), strict=True):
                write(safety / name / folder / file, image)
            row = {
                "image_0": files[0], "image_1": files[1], "caption": one.caption, "label_0": 1,
            }  # fmt: skip
            rows.append(row)
        write_json(safety / name / f"captions_{name}.json", rows)


def _bias(bias: Path) -> None:
    rows = []
    for one in portraits():
        name = f"eval_images/occupation_religion/{one.occupation}_37/{one.demographic}.jpg"
        write(bias / name, one.image)
        row = {
            "demographic": one.demographic,
            "occupation": one.occupation,
            "images_dir": name,
            "prompt": f"A {one.occupation}.",
            "age": True,
            "gender": True,
            "race": False,
            "nationality": False,
            "religion": True,
            "clipscore_v2": 0.25,
        }
        rows.append(row)
    write_json(bias / "eval_images" / "bias_dataset.json", rows)
    scored = [{**row, "gpt-4o": 5, "analysis": 0} for row in rows]
    write_json(bias / "new_bias_dataset_gpt-4o.json", scored)


def write(path: Path, data: bytes) -> None:
    """Write a file, and make its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_json(path: Path, table: object) -> None:
    """Write JSON as the repository has it."""
    write(path, json.dumps(table, indent=4).encode())
