"""Noise of a forward diffusion: POVID's numbers, clamping, and the same noise everywhere."""

import math
from io import BytesIO

import numpy as np
import pytest
from PIL import Image as PIL

from mmjudge.contract.errors import ItemError
from mmjudge.contract.images import EncodedImage, PixelImage
from mmjudge.judges.diffusion_noise import Schedule, noisy_copy
from mmjudge.judges.image_noising import ImageNoising


def grey(value: int, height: int = 64, width: int = 48) -> PixelImage:
    return PixelImage(np.full((height, width, 3), value, np.uint8))


def test_povid_s_step_keeps_so_much_of_the_picture_and_adds_so_much_noise() -> None:
    kept, sigma = Schedule().at(500)
    assert kept == pytest.approx(0.863, abs=5e-4)
    assert sigma == pytest.approx(0.505, abs=5e-4)


def test_the_schedule_is_the_product_of_its_betas() -> None:
    schedule = Schedule(7, 0.01, 0.3)
    betas = [0.01 + 0.29 / (1 + math.exp(6 - 2 * step)) for step in range(7)]
    for step in range(7):
        kept = math.prod(1 - beta for beta in betas[: step + 1])
        assert schedule.at(step) == pytest.approx((math.sqrt(kept), math.sqrt(1 - kept)))


def test_a_schedule_that_is_none_is_refused() -> None:
    for step in (-1, 1000):
        with pytest.raises(ValueError, match=f"^step: {step}, expected 0 to 999"):
            Schedule().at(step)
    with pytest.raises(ValueError, match="^schedule of 0 steps"):
        Schedule(0)
    with pytest.raises(ValueError, match="^beta_first: 0.0, expected above 0 and below 1"):
        Schedule(beta_first=0.0)
    with pytest.raises(ValueError, match="^beta_last: 1.0"):
        Schedule(beta_last=1.0)


def test_noise_has_the_strength_asked_for() -> None:
    noisy = noisy_copy(grey(128, 400, 400), 0.5, 0.05, "0").pixels.astype(float) / 255
    assert noisy.mean() == pytest.approx(0.5 * 128 / 255, abs=1e-3)
    assert noisy.std() == pytest.approx(0.05, abs=1e-3)
    channels = np.corrcoef(noisy.reshape(-1, 3).T)
    assert np.abs(channels - np.eye(3)).max() < 0.02  # each channel has its own


def test_what_leaves_the_range_is_clamped_and_never_wraps_around() -> None:
    white = noisy_copy(grey(255), 1.0, 0.1, "0").pixels
    assert (white == 255).mean() > 0.4 and white.min() > 100
    black = noisy_copy(grey(0), 1.0, 0.1, "0").pixels
    assert (black == 0).mean() > 0.4 and black.max() < 150


def test_without_noise_a_copy_is_the_picture() -> None:
    pixels = np.arange(256 * 3, dtype=np.uint8).reshape(16, 16, 3)
    assert (noisy_copy(PixelImage(pixels), 1.0, 0.0, "0").pixels == pixels).all()


def test_noise_depends_on_the_seed_and_on_the_picture_alone() -> None:
    first = noisy_copy(grey(128), 0.8, 0.3, "0").pixels
    assert (noisy_copy(grey(128), 0.8, 0.3, "0").pixels == first).all()
    assert (noisy_copy(grey(128), 0.8, 0.3, "1").pixels != first).mean() > 0.9
    other = noisy_copy(grey(129), 0.8, 0.3, "0").pixels
    assert (other != first).mean() > 0.9


def test_noise_is_the_same_on_every_machine() -> None:
    found = noisy_copy(grey(128, 2, 2), 0.8, 0.3, "0 0").pixels
    recorded = [0, 145, 62, 134, 160, 88, 182, 147, 183, 184, 243, 79]
    assert found.reshape(-1).tolist() == recorded


def test_large_pictures_are_noised_in_blocks_of_one_stream() -> None:
    image = grey(128, 800, 700)  # more values than a block holds
    noisy = noisy_copy(image, 0.5, 0.1, "0").pixels
    halves = noisy.reshape(-1)[: 1 << 20], noisy.reshape(-1)[1 << 20 :]
    for values in halves:
        assert values.mean() == pytest.approx(64, abs=0.5)
        assert values.std() == pytest.approx(25.5, abs=0.5)
    count = min(map(len, halves))
    assert abs(np.corrcoef(halves[0][:count], halves[1][:count])[0, 1]) < 0.01


def test_a_file_and_its_pixels_get_the_same_noise() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 3), np.uint8)
    file = BytesIO()
    PIL.fromarray(pixels).save(file, "PNG")
    noising = ImageNoising(Schedule(), 500, "0")
    one = noising.prepare(EncodedImage(file.getvalue())).payload
    other = noising.prepare(PixelImage(pixels)).payload
    assert one.digest == other.digest
    assert noising.forward([one]) == [one] and noising.size(one) == 9 * 8 * 3


def test_what_is_no_image_has_no_noisy_copy() -> None:
    noising = ImageNoising(Schedule(), 500, "0")
    with pytest.raises(ItemError, match="no whole image file"):
        noising.prepare(EncodedImage(b"no image"))


def test_all_that_changes_a_copy_changes_the_fingerprint() -> None:
    noisings = [
        ImageNoising(Schedule(), 500, "0"),
        ImageNoising(Schedule(), 501, "0"),
        ImageNoising(Schedule(), 500, "1"),
        ImageNoising(Schedule(999), 500, "0"),
        ImageNoising(Schedule(beta_first=1e-4), 500, "0"),
        ImageNoising(Schedule(beta_last=1e-2), 500, "0"),
    ]
    assert len({one.fingerprint for one in noisings}) == len(noisings)
