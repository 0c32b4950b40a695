"""Pairs for `mmjudge bench` out of photographs with captions: a good one and a spoilt one.

    python examples/degraded_pairs.py pairs
    mmjudge bench mjbench pairs --local
    mmjudge report mmjudge-bench --data pairs

Writes folders in the form of MJ-Bench's repository: in `alignment` a caption's photograph stands
beside another one, in `quality` beside itself blurred. `--photos` names a folder of your own, with
a captions.json: a list of {"file": "cat.png", "caption": "a cat"}.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

PHOTOS = Path(__file__).parent / "photos"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    options = parser.parse_args()
    photos = json.loads((options.photos / "captions.json").read_text(encoding="utf-8"))
    blurred, alignment = [], []
    for place, photo in enumerate(photos):
        sharp, motion, defocused = _written(options.photos / photo["file"], options.output)
        blurred.append(
            {
                "caption": photo["caption"],
                "sharp_image": sharp,
                "motion_blur_image": motion,
                "defocused_blur_image": defocused,
                "label_0": 1,
            }
        )
        for other in photos[:place] + photos[place + 1 :]:
            pair = [photo, other]
            right = len(alignment) % 2  # the first and the second in turn
            first, second = pair if right == 0 else pair[::-1]
            alignment.append(
                {
                    "id": f"{photo['file']} {other['file']}",
                    "source": "photographs",
                    "caption": photo["caption"],
                    "image0": f"{Path(first['file']).stem}.jpg",
                    "image1": f"{Path(second['file']).stem}.jpg",
                    "label": right,
                }
            )
    _write(options.output / "artifacts" / "blur.json", blurred)
    _write(options.output / "alignment" / "existence.json", alignment)
    print(f"{2 * len(blurred)} pairs of quality, {len(alignment)} of alignment in {options.output}")


def _written(file: Path, output: Path) -> tuple[str, str, str]:
    """Save a photograph sharp, as if moved and out of focus; returns the names."""
    with Image.open(file) as opened:
        photo = opened.convert("RGB")
    photo.thumbnail((512, 512))
    moved = photo.resize((max(1, photo.width // 12), photo.height)).resize(photo.size)
    spoilt = {"": photo, "-moved": moved, "-blurred": photo.filter(ImageFilter.GaussianBlur(4))}
    names = []
    for suffix, picture in spoilt.items():
        names.append(f"{file.stem}{suffix}.jpg")
        for folder in ("artifacts", "alignment") if not suffix else ("artifacts",):
            (output / folder).mkdir(parents=True, exist_ok=True)
            picture.save(output / folder / names[-1], quality=92)
    return names[0], names[1], names[2]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
