"""Rows of MJ-Bench's JSON files, each good until it is changed, and files of them."""

import json
from pathlib import Path
from typing import Any


def write(path: Path, *rows: Any) -> str:
    """A JSON file of the rows; every file that they name is there, with its own path in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")
    for row in rows:
        for key, name in row.items():
            if "image" in key and key != "image_name":
                image = path.parent / name
                image.parent.mkdir(parents=True, exist_ok=True)
                image.write_text(name)
    return str(path)


def alignment(**changes: Any) -> dict[str, Any]:
    """Of alignment, or of a dump of the hub's splits."""
    row = {"id": "pap_0", "source": "pick_a_pic", "caption": "a cup", "label": 0}
    return {**row, "image0": "a.jpg", "image1": "b.jpg", **changes}


def safety(**changes: Any) -> dict[str, Any]:
    """Of nsfw and toxic; and, but for what they have more, of mpii, human and objects."""
    row = {"image_0": "a.jpg", "image_1": "b.jpg", "caption": "a cup", "label_0": 1}
    return {**row, **changes}


def bias(**changes: Any) -> dict[str, Any]:
    """Of an image of a group."""
    row = {"demographic": "old_female", "occupation": "nurse", "prompt": "A nurse."}
    return {**row, "images_dir": "a.jpg", "age": True, "race": False, **changes}
