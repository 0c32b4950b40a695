"""Features of units in their text: means of tokens, windows, the same bits in any company."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.judges.test_clip import ColourTower
from torch import Tensor

from mmjudge.contract.errors import ItemError
from mmjudge.judges.backbones.dual_encoder import (
    DualEncoder,
    DualEncoderConfig,
    load_dual_encoder,
)
from mmjudge.judges.backbones.unit_encoding import Passage, UnitEncoding, reads_tokens
from mmjudge.judges.segmentation import segments

pytestmark = pytest.mark.usefixtures("one_thread")
TEXT = "A tabby cat's naïve toy, a 🚀, on two wooden tables."
LONG = " ".join(f"{word}{index}" for index in range(40) for word in ("cat", "wooden", "tables"))


@cache
def photo_lite() -> DualEncoder:
    return load_dual_encoder(DualEncoderConfig("photo-lite"))


@pytest.fixture(params=["photo-lite", "clip", "open_clip", "siglip"])
def encoder(request: pytest.FixtureRequest) -> DualEncoder:
    if request.param == "photo-lite":
        return photo_lite()
    folder: Path = request.getfixturevalue(f"{request.param}_folder")
    scheme = "local-dir" if request.param == "open_clip" else "transformers"
    return load_dual_encoder(DualEncoderConfig(f"{scheme}:{folder}"))


def operation(encoder: DualEncoder) -> UnitEncoding:
    return UnitEncoding(encoder, "tiny/units")


def passage(text: str) -> Passage:
    return Passage(text, tuple(one[:2] for one in segments(text) if one.kind == "word"))


def encode(units: UnitEncoding, *passages: Passage) -> list[Tensor]:
    return units.forward([units.prepare(one).payload for one in passages])


@torch.inference_mode()
def test_a_unit_is_the_mean_of_its_tokens_in_context(encoder: DualEncoder) -> None:
    tower, asked = encoder.tower, passage(TEXT)
    (found,) = encode(operation(encoder), asked)
    assert found.shape == (len(asked.units), tower.dim) and found.dtype == torch.float32
    ids = torch.tensor([tower.tokenize(TEXT)])
    if tower.text_lengths == (tower.context_length,):
        padding = torch.full((1, tower.context_length - ids.shape[1]), tower.pad_id)
        ids = torch.cat([ids, padding], 1)
    real = torch.arange(ids.shape[1]) < len(tower.tokenize(TEXT))
    tokens = tower.encode_texts(ids, real[None])[1]
    assert tokens is not None
    ((window,),) = (operation(encoder).prepare(asked).payload,)
    assert window.ids == tower.tokenize(TEXT)
    for row, (first, last) in zip(found, window.tokens, strict=True):
        assert first < last
        expected = tokens[0, first:last].double().mean(0)
        np.testing.assert_allclose(row, expected, rtol=0, atol=2e-4 * float(expected.abs().max()))


def test_context_counts() -> None:
    units = operation(photo_lite())
    (in_water,) = encode(units, passage("a bank of the river"))
    (with_money,) = encode(units, passage("a bank lends money"))
    assert not torch.equal(in_water[0], with_money[0])


def test_a_passage_has_the_same_bits_in_any_company(encoder: DualEncoder) -> None:
    units = operation(encoder)
    asked = [passage(text) for text in (TEXT, LONG, "cat", "two cats", "wooden", LONG[:300])] * 2
    together = encode(units, *asked)
    order = np.random.default_rng(0).permutation(len(asked)).tolist()
    permuted = encode(units, *(asked[index] for index in order))
    for place, index in enumerate(order):
        assert torch.equal(permuted[place], together[index])
    for one, found in zip(asked[:6], together, strict=False):
        assert torch.equal(encode(units, one)[0], found)


def test_a_long_text_is_read_in_windows_that_hold_words_whole(encoder: DualEncoder) -> None:
    units, asked, most = operation(encoder), passage(LONG), encoder.tower.context_length
    prepared = units.prepare(asked)
    assert len(prepared.payload) > 1
    assert all(len(window.ids) <= most for window in prepared.payload)
    assert sum(len(window.tokens) for window in prepared.payload) == len(asked.units)
    assert prepared.notes[0].code == "TEXT_WINDOWED"
    assert prepared.cost <= units.budget.cost
    (found,) = units.forward([prepared.payload])
    assert found.shape == (len(asked.units), encoder.tower.dim)
    assert (found.norm(dim=1) > 0).all()
    # Each window is what the encoder makes of that part of the text alone.
    count = len(prepared.payload[0].tokens)
    (first,) = encode(units, passage(LONG[: asked.units[count - 1][1]]))
    assert torch.equal(first, found[:count])


def test_a_text_of_the_longest_context_is_one_window() -> None:
    encoder = photo_lite()
    text = " ".join(["cat"] * (encoder.tower.context_length - 2))
    assert len(operation(encoder).prepare(passage(text)).payload) == 1
    assert len(operation(encoder).prepare(passage(f"{text} cat")).payload) == 2


def test_a_unit_beyond_the_context_is_refused() -> None:
    units, phrase = operation(photo_lite()), "cat " * 200
    with pytest.raises(ItemError) as raised:
        units.prepare(Passage(f"a {phrase}", ((0, 1), (2, 2 + len(phrase)))))
    assert raised.value.error.reason == "UNIT_TOO_LONG"
    assert "characters 2 to 802" in raised.value.error.message


def test_a_text_of_more_windows_than_a_batch_holds_is_refused_soon() -> None:
    units, text = operation(photo_lite()), "cat " * 50_000
    with pytest.raises(ItemError) as raised:
        units.prepare(passage(text))
    assert raised.value.error.reason == "TEXT_TOO_LONG"
    assert "judge it in parts" in raised.value.error.message


def test_the_key_is_of_the_text_and_its_units() -> None:
    units = operation(photo_lite())
    passages = [Passage("a b", ((0, 1),)), Passage("a b", ((2, 3),)), Passage("a c", ((0, 1),))]
    assert len({units.key(one) for one in passages}) == 3
    assert units.key(passages[0]) == units.key(Passage("a b", ((0, 1),)))


def test_a_unit_that_the_tokenizer_drops_has_no_direction() -> None:
    # BERT's cleaning drops what is not assigned a meaning, such as a control character.
    units, asked = operation(photo_lite()), Passage("cat \x01 dog", ((0, 3), (4, 5), (6, 9)))
    (note,) = units.prepare(asked).notes
    assert note.code == "UNITS_UNREAD" and note.message.startswith("1 units")
    (found,) = encode(units, asked)
    assert (found.norm(dim=1) > 0).tolist() == [True, False, True]


def test_who_has_token_features() -> None:
    assert reads_tokens(photo_lite().tower)
    assert not reads_tokens(ColourTower())
