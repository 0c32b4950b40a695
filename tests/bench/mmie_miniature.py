"""A data set of MMIE's form: seven answers in words and photographs, some graded by people."""

import json
from pathlib import Path
from typing import Any

from PIL import Image

PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"
LONGEST = 128


def mmie_miniature(folder: Path) -> Path:
    """Write `data.json` and `images/` into the folder, and return the path of `data.json`.

    Of SA three answers, one of which says its category and not in its id, of PBL two, one of them
    `USA-PBL-7`, of MSR two. Two models answer; `SA-1` is answered by both. Of the answers one is a
    plain text and one is empty. Five have people's grades, under each of the three keys. Images
    are at most 128 pixels long.
    """
    entries = [
        _entry("SA-1", "large", [("Tell what happens next.", "chelsea.png")],
               [("The cat has seen a bird.", None), (None, "coffee.png")], human_score=5),
        _entry("SA-1", "small", [("Tell what happens next.", "chelsea.png")],
               "The cat sleeps.", human=2.5),
        _entry("story-2", "large", [("Tell of this woman's day in two pictures.", "astronaut.png")],
               [("The rocket waits.", "rocket.jpg"), ("She sees the stars.",
                "hubble_deep_field.jpg")], category="SA", human_scores=[4, 5, 6]),
        _entry("PBL-2", "large", [("How do I make such a coffee?", None), (None, "coffee.png")],
               [("Grind the beans.", None), ("Press, and pour it into a cup.", "coffee.png")],
               gt_answer=[("Grind, press, pour.", "coffee.png")], human_score=4),
        _entry("USA-PBL-7", "small", [("How do I grow this flower?", "flower.jpg")], []),
        _entry("MSR-3", "large", [("How many photographs show a building?", "china.jpg"),
               (None, "flower.jpg")], [("One: the first.", None)], gt_answer=[("1", None)],
               human_score=6),
        _entry("MSR-4", "small", [("Which picture has no colour?", "camera.png"),
               (None, "rocket.jpg")], [("The second.", None)], gt_answer=[("the first", None)]),
    ]  # fmt: skip
    (folder / "images").mkdir(parents=True)
    for photo in sorted(path for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg")):
        with Image.open(photo) as image:
            small = image.convert("RGB")
        small.thumbnail((LONGEST, LONGEST))
        small.save(folder / _image(photo.name), quality=85)
    data = folder / "data.json"
    data.write_text(json.dumps(entries, indent=1), encoding="utf-8")
    return data


Pieces = list[tuple[str | None, str | None]]


def _entry(
    name: str,
    model: str,
    question: Pieces,
    answer: Pieces | str,
    *,
    gt_answer: Pieces | None = None,
    **more: Any,
) -> dict[str, Any]:
    return {
        "id": name,
        "question": _pieces(question),
        "answer": answer if isinstance(answer, str) else _pieces(answer),
        "model": model,
        "gt_answer": _pieces(gt_answer or [(None, None)]),
        **more,
    }


def _pieces(pieces: Pieces) -> list[dict[str, str | None]]:
    return [{"text": text, "image": photo and _image(photo)} for text, photo in pieces]


def _image(photo: str) -> str:
    return f"images/{Path(photo).stem}.jpg"
