"""Preferences as files and tables that trainers read.

The JSON is what POVID, SIMA and CSR train on; the table is TRL's format for DPO with images.
"""

import json
import os
from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from PIL import Image as PIL

from mmjudge.client.media import to_image
from mmjudge.client.preferences import IMAGE_MARK, Preference
from mmjudge.contract import EncodedImage, PixelImage

if TYPE_CHECKING:
    from datasets import Dataset


def write_preferences(path: str | os.PathLike[str], pairs: Sequence[Preference]) -> None:
    """Write `pairs` as JSON: a list of {id, image, conversations, rejected_conversations}.

    Raises TypeError for an image that is no path, which is all that the schema holds of one.
    """
    rows = [_row(pair) for pair in pairs]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, ensure_ascii=False, indent=1)
        file.write("\n")


def preference_dataset(pairs: Sequence[Preference]) -> "Dataset":
    """Return `pairs` as a table for TRL's DPO trainer: images, prompt, chosen, rejected.

    The last three are conversations; images are files as they are, or PNG of pixels. Needs the
    `datasets` package: raises ImportError without it.
    """
    import datasets

    content = [{"type": datasets.Value("string"), "text": datasets.Value("string")}]
    messages = [{"role": datasets.Value("string"), "content": content}]
    features = datasets.Features(
        {
            "images": [datasets.Image()],
            "prompt": messages,
            "chosen": messages,
            "rejected": messages,
        }
    )
    rows = {
        "images": [[_table_image(pair)] for pair in pairs],
        "prompt": [[_message("user", pair.prompt, with_image=True)] for pair in pairs],
        "chosen": [[_message("assistant", pair.chosen)] for pair in pairs],
        "rejected": [[_message("assistant", pair.rejected)] for pair in pairs],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def _row(pair: Preference) -> dict[str, Any]:
    if not isinstance(pair.image, str | os.PathLike):
        raise TypeError(
            f"image of pair {pair.id!r} is a {type(pair.image).__name__}, expected a path: the "
            "JSON names images; `preference_dataset` holds them"
        )
    question = {"from": "human", "value": f"{IMAGE_MARK}\n{pair.prompt}"}
    return {
        "id": pair.id,
        "image": os.fspath(pair.image),
        "conversations": [question, {"from": "gpt", "value": pair.chosen}],
        "rejected_conversations": [question, {"from": "gpt", "value": pair.rejected}],
    }


def _message(role: str, text: str, *, with_image: bool = False) -> dict[str, Any]:
    content = [{"type": "image", "text": None}] if with_image else []
    return {"role": role, "content": [*content, {"type": "text", "text": text}]}


def _table_image(pair: Preference) -> dict[str, Any]:
    match to_image(pair.image, f"image of pair {pair.id!r}"):
        case EncodedImage(data):
            return {"bytes": data, "path": None}
        case PixelImage(pixels):
            file = BytesIO()
            PIL.fromarray(pixels).save(file, "PNG")
            return {"bytes": file.getvalue(), "path": None}
        case other:
            raise TypeError(
                f"image of pair {pair.id!r} is a {type(other).__name__}, expected what has pixels"
            )
