"""A vision-language model behind an endpoint that judges by sharpness alone, and prefers the first.

It answers MJ-Bench's questions of all scales, so that an evaluation runs whole.
"""

import base64
import math
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image as PIL
from tests.judges.chat_server import Said, completion, likeliest

LIKERT = {
    5: ["Extremely Poor", "Poor", "Average", "Good", "Outstanding"],
    10: ["Extremely Poor", "Very Poor", "Poor", "Below Average", "Average", "Above Average", "Good",
         "Very Good", "Excellent", "Outstanding"],
}  # fmt: skip


def answer(request: dict[str, Any]) -> Said:
    """Rate each picture by its sharpness; of two alike, the first is better."""
    texts, pictures = _parts(request["messages"])
    question = "\n".join(texts)
    values = [sharpness(picture) for picture in pictures] or [len(question) % 7 / 7]
    if request.get("logprobs"):
        share = 0.02 + 0.96 * values[0]
        return likeliest(("1", math.log(1 - share)), ("5", math.log(share)))
    if "BETTER" in question:
        better = 2 if len(values) > 1 and values[1] > values[0] + 0.1 else 1
        ratings = "\n".join(
            f"IMAGE-{place} RATING: {_rating(question, value)}"
            for place, value in enumerate(values, 1)
        )
        return completion(f"{ratings}\nBETTER IMAGE: {better}\nANALYSIS: the edges say so")
    if "GRADE" in question:
        return completion(f"GRADE: {round(6 * values[0])}")
    return completion(f"RATING: {_rating(question, values[0])}\nANALYSIS: the edges say so")


def sharpness(picture: PIL.Image) -> float:
    """Mean step between neighbouring pixels, brought to 0 to 1."""
    grey = np.asarray(picture.convert("L"), np.float64)
    return float(min(1.0, np.abs(np.diff(grey, axis=1)).mean() / 24))


def _rating(question: str, value: float) -> str:
    high = 10 if "to 10" in question or "Very Good" in question else 5
    place = min(high, 1 + int(value * high))
    return LIKERT[high][place - 1] if "Outstanding" in question else str(place)


def _parts(messages: list[dict[str, Any]]) -> tuple[list[str], list[PIL.Image]]:
    texts: list[str] = []
    pictures: list[PIL.Image] = []
    for message in messages:
        content = message["content"]
        parts: list[Any] = (
            content if isinstance(content, list) else [{"type": "text", "text": content}]
        )
        for part in parts:
            if part["type"] == "text":
                texts.append(part["text"])
            else:
                data = part["image_url"]["url"].partition(",")[2]
                pictures.append(PIL.open(BytesIO(base64.b64decode(data))))
    return texts, pictures
