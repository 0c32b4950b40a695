"""Numbers that give reward hacking away."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image as PIL
from PIL import ImageEnhance, ImageFilter

from mmjudge.contract import EncodedImage, ImageUri
from mmjudge.rl import Reward, Sample, image_samples, text_samples
from mmjudge.rl.monitors import MOST_TEXTS, measure

PHOTOS = Path(__file__).resolve().parents[2] / "examples" / "photos"
FILES = sorted(path for path in PHOTOS.iterdir() if path.suffix in (".png", ".jpg"))
CAT = PIL.open(PHOTOS / "chelsea.png").convert("RGB").resize((128, 96))


def of_images(*images: object) -> dict[str, float]:
    return measure(image_samples(list(images), ["p"] * len(images)))


def of_texts(*texts: str) -> dict[str, float]:
    return measure(text_samples(None, texts))


def flat(red: int, green: int, blue: int) -> NDArray[np.uint8]:
    return np.full((16, 16, 3), (red, green, blue), np.uint8)


@pytest.mark.parametrize(
    ("colour", "luminance", "saturation"),
    [
        ((0, 0, 0), 0, 0),
        ((255, 255, 255), 1, 0),
        ((0, 255, 0), 0.7152, 1),
        ((128, 64, 64), (0.2126 * 128 + 0.7874 * 64) / 255, 0.5),
    ],
)
def test_colours_have_their_luminance_and_saturation(
    colour: tuple[int, int, int], luminance: float, saturation: float
) -> None:
    found = of_images(flat(*colour))
    assert found["image/luminance"] == pytest.approx(luminance, abs=1e-6)
    assert found["image/saturation"] == pytest.approx(saturation, abs=1e-6)
    assert found["image/edge_density"] == 0


def test_edges_are_counted() -> None:
    half = flat(0, 0, 0)
    half[:, 8:] = 255
    assert of_images(half)["image/edge_density"] == 1 / 16


def test_darkening_saturating_and_smoothing_show() -> None:
    plain = of_images(CAT)
    assert (
        of_images(ImageEnhance.Brightness(CAT).enhance(0.5))["image/luminance"]
        < 0.6 * (plain["image/luminance"])
    )
    assert (
        of_images(ImageEnhance.Color(CAT).enhance(2))["image/saturation"]
        > 1.3 * (plain["image/saturation"])
    )
    smooth = of_images(CAT.filter(ImageFilter.GaussianBlur(3)))
    assert smooth["image/edge_density"] < 0.5 * plain["image/edge_density"]


def test_numbers_are_means_over_pictures_of_any_size() -> None:
    found = of_images(flat(0, 0, 0), np.full((600, 300, 3), 255, np.uint8))
    assert found["image/luminance"] == 0.5


def test_near_duplicates_of_pictures_are_found_through_a_jpeg() -> None:
    file = BytesIO()
    CAT.save(file, "JPEG", quality=40)
    others = [PIL.open(path) for path in FILES[:3] if path.name != "chelsea.png"]
    assert of_images(*others)["image/near_duplicates"] == 0
    assert of_images(CAT, file.getvalue(), *others)["image/near_duplicates"] == 2 / (
        2 + len(others)
    )


def test_one_picture_is_no_duplicate_of_another() -> None:
    assert "image/near_duplicates" not in of_images(CAT)


def test_pictures_nobody_can_open_here_are_left_out() -> None:
    hidden = [EncodedImage(b"no picture"), ImageUri("file:///a.png")]
    assert of_images(*hidden) == {}
    assert of_images(flat(255, 255, 255), *hidden)["image/luminance"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("text", "repetition"),
    [
        ("", 0),
        ("a cat", 0),
        ("a cat on a mat", 0),
        ("very very very very", 0.5),
        ("no no no no no no", 0.75),
        ("猫が猫が猫が", 0.5),
    ],
)
def test_repetition_is_the_share_of_runs_seen_before(text: str, repetition: float) -> None:
    assert of_texts(text)["text/repetition"] == pytest.approx(repetition)
    assert of_texts(text)["text/length"] == len(text)


def test_near_duplicates_of_texts_ignore_case_and_punctuation() -> None:
    story = "A cat sits on the mat and looks at the rain outside while nobody comes home"
    other = "Two rockets stand on their launch pads under a grey sky, ready for the count"
    assert of_texts(story, other)["text/near_duplicates"] == 0
    assert of_texts(story, story.upper() + "!", other)["text/near_duplicates"] == pytest.approx(
        2 / 3
    )
    assert of_texts("", "")["text/near_duplicates"] == 1
    assert of_texts("\ud800 half", "half a pair")["text/near_duplicates"] == 0


def test_large_calls_are_sampled_evenly() -> None:
    texts = ["x" * (i % 2) for i in range(4 * MOST_TEXTS)]
    texts[-MOST_TEXTS:] = ["y" * 100] * MOST_TEXTS
    assert of_texts(*texts)["text/length"] == pytest.approx(25, abs=1)


def test_a_response_of_both_kinds_is_measured_as_both() -> None:
    (image,) = image_samples([CAT], ["p"])
    found = measure([Sample(("p",), ("a cat", *image.response))])
    assert {"image/luminance", "text/length"} <= set(found)
    assert all(isinstance(value, float) for value in found.values())


def test_rewards_come_with_these_numbers_unless_told_otherwise(
    make_reward: Callable[..., Reward],
) -> None:
    asked = ["p", "q"], ["a", "bbb"]
    assert make_reward().score_texts(*asked).metrics["mmjudge/text/length"] == 2
    bare = make_reward(monitors=False).score_texts(*asked).metrics
    assert not any("text/" in name for name in bare)
