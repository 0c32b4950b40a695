"""Similarities of units with images: the definition, and the same bits in any company."""

from dataclasses import replace
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.judges.test_clip import ColourTower

from mmjudge.judges.backbones.alignment import Alignment, Source, UnitsImage
from mmjudge.judges.backbones.dual_encoder import DualEncoder, DualEncoderConfig
from mmjudge.judges.backbones.features import Features

SOURCES: list[Source] = ["global", "max", "mean", "softmax"]
DIM, TAU = 96, 0.05
RNG = np.random.default_rng(0)


def operation(source: Source) -> Alignment:
    encoder = DualEncoder(DualEncoderConfig("tiny"), ColourTower())
    return Alignment(encoder, source, TAU, "tiny/alignment")


def image(patches: int, dtype: torch.dtype = torch.float32) -> tuple[Features, bytes]:
    tokens = RNG.normal(size=(patches, DIM)).astype(np.float32)
    mean = tokens.mean(0)
    embedding = (mean / np.linalg.norm(mean)).astype(np.float32)
    digest = sha256(tokens.tobytes()).digest()
    return Features(embedding, torch.from_numpy(tokens).to(dtype)), digest


def pair(count: int, of: tuple[Features, bytes]) -> UnitsImage:
    units = RNG.normal(size=(count, DIM)).astype(np.float32)
    return UnitsImage(torch.from_numpy(units), sha256(units.tobytes()).digest(), *of)


IMAGES = [image(49), image(1), image(256), image(16)]
# Several texts of one image, in turn with others'.
PAIRS = [pair(count, IMAGES[count % 4]) for count in (3, 40, 1, 7, 12, 2, 100, 5, 1, 30, 64, 9)]


def compare(source: Source, *pairs: UnitsImage) -> list[Any]:
    alignment = operation(source)
    return alignment.forward([alignment.prepare(one).payload for one in pairs])


def by_hand(source: Source, one: UnitsImage) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The definition, in float64."""
    assert one.image.tokens is not None
    units, patches = one.units.double().numpy(), one.image.tokens.double().numpy()
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    patches = patches / np.linalg.norm(patches, axis=1, keepdims=True)
    cosines = units @ patches.T
    match source:
        case "global":
            values = units @ one.image.embedding.astype(np.float64)
        case "max":
            values = cosines.max(1)
        case "mean":
            values = cosines.mean(1)
        case "softmax":
            weights = np.exp(cosines / TAU)
            values = (weights * cosines).sum(1) / weights.sum(1)
    return values, cosines.argmax(1)


@pytest.mark.parametrize("source", SOURCES)
def test_it_is_the_definition(source: Source) -> None:
    for one, found in zip(PAIRS, compare(source, *PAIRS), strict=True):
        values, patches = by_hand(source, one)
        np.testing.assert_allclose(found.values, values, rtol=0, atol=2e-6)
        if source == "global":
            assert found.patches is None
        else:
            np.testing.assert_array_equal(found.patches, patches)
            assert found.patches.dtype == np.int32
        assert found.values.dtype == np.float32


@pytest.mark.parametrize("source", SOURCES)
def test_a_pair_has_the_same_bits_in_any_company(source: Source) -> None:
    together = compare(source, *PAIRS)
    order = RNG.permutation(len(PAIRS)).tolist()
    permuted = compare(source, *(PAIRS[index] for index in order))
    for place, index in enumerate(order):
        np.testing.assert_array_equal(permuted[place].values, together[index].values)
    for one, found in zip(PAIRS, together, strict=True):
        np.testing.assert_array_equal(compare(source, one)[0].values, found.values)


def test_patches_of_half_precision_are_compared_as_they_are() -> None:
    one = pair(20, image(49, torch.bfloat16))
    (found,) = compare("max", one)
    values, _ = by_hand("max", replace(one, units=one.units.bfloat16()))
    np.testing.assert_allclose(found.values, values, rtol=0, atol=2e-6)


def test_of_a_unit_without_features_nothing_is_known() -> None:
    units = torch.stack([PAIRS[0].units[0], torch.zeros(DIM)])
    (found,) = compare("max", replace(PAIRS[0], units=units))
    assert found.known.tolist() == [True, False] and found.values[1] == 0


def test_keys_and_costs() -> None:
    alignment = operation("max")
    assert alignment.key(PAIRS[0]) != alignment.key(PAIRS[1])
    assert alignment.key(PAIRS[0]) == alignment.key(replace(PAIRS[0], units=torch.zeros(1)))
    assert alignment.prepare(PAIRS[1]).cost == 40
    assert alignment.size(compare("max", PAIRS[1])[0]) == 40 * 9
    fingerprints = {operation(source).fingerprint for source in SOURCES}
    assert len(fingerprints) == len(SOURCES)


def test_features_without_patches_are_a_mistake_of_the_host() -> None:
    bare = replace(PAIRS[0], image=Features(PAIRS[0].image.embedding))
    with pytest.raises(ValueError, match="encode the image with keep_tokens"):
        operation("max").prepare(bare)
    assert operation("global").prepare(bare).cost == 3
