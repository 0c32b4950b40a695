"""How well photo-lite tells captions apart, on the example photographs.

Captions were written before they were scored. Each photograph is asked for its own caption among
all the photographs' captions, each caption for its photograph, and each photograph whether its
caption beats three near misses written for it (a dog on a sofa for a cat).

    python benchmarks/photo_lite_quality.py [--record]
"""

import argparse
import json

import numpy as np
from environment import environment, record

from mmjudge.cli.photos import example_photos
from mmjudge.client import Candidate, EncodedImage, Item, LocalClient


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="append to results/")
    options = parser.parse_args()
    folder = example_photos()
    entries = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    captions = [entry["caption"] for entry in entries]
    near = [text for entry in entries for text in entry["near_misses"]]
    items = [
        Item(
            prompt=[EncodedImage((folder / entry["file"]).read_bytes())],
            candidates=[Candidate([text]) for text in (*captions, *near)],
        )
        for entry in entries
    ]
    with LocalClient() as client:
        verdicts = client.judge(items)
    count = len(entries)
    scores = np.stack(verdicts.candidate_values)
    true = scores[:, :count]
    own = np.diagonal(true)
    misses = scores[:, count:].reshape(count, count, -1)[np.arange(count), np.arange(count)]
    row = {
        "benchmark": "photo_lite_quality",
        "fingerprint": verdicts.fingerprint,
        "photographs": count,
        "caption_first": int((true.argmax(1) == np.arange(count)).sum()),
        "photograph_first": int((true.argmax(0) == np.arange(count)).sum()),
        "near_misses_beaten": int((own[:, None] > misses).sum()),
        "near_misses": int(misses.size),
        "ranks": dict(zip((entry["file"] for entry in entries),
                          ((true > own[:, None]).sum(1) + 1).tolist(), strict=True)),
    }  # fmt: skip
    row |= environment("torch", "timm", "transformers", "pillow")
    print(json.dumps(row, indent=2))
    if options.record:
        print("recorded in", record("photo_lite_quality", row).name)


if __name__ == "__main__":
    main()
