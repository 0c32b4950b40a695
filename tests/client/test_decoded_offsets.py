from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.client.tokenizers_in_code import (
    TEXTS,
    byte_fallback,
    byte_level,
    unigram,
    word_piece,
)
from tokenizers import Tokenizer

from mmjudge.client.decoded_offsets import decoded_offsets

FAMILIES: dict[str, Callable[[], Tokenizer]] = {
    "byte-level": byte_level,
    "byte fallback": byte_fallback,
    "unigram": unigram,
    "WordPiece": word_piece,
    "WordPiece as it is": lambda: word_piece(cleanup=False),
}
SCRIPTS = st.text(
    st.sampled_from("ab .,'n t漢字猫éñ\u0301\u200d👩😀🇩🇪שלوכلب\n"), min_size=1, max_size=40
) | st.sampled_from(TEXTS).map(lambda text: " ".join([text] * 3))


def pieces(text: str, offsets: NDArray[np.int64]) -> list[str]:
    return [text[start:end] for start, end in offsets]


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None, max_examples=60)
@given(text=SCRIPTS)
def test_tokens_cover_the_text_in_order(family: str, text: str) -> None:
    tokenizer = FAMILIES[family]()
    ids = tokenizer.encode(text).ids
    decoded = tokenizer.decode(ids)
    offsets = decoded_offsets(ids, decoded, tokenizer)
    assert offsets.shape == (len(ids), 2)
    covered = np.zeros(len(decoded), bool)
    for start, end in offsets:
        covered[start:end] = True
    assert covered.all()
    filled = offsets[offsets[:, 1] > offsets[:, 0]]
    assert (np.diff(filled[:, 0]) >= 0).all() and (np.diff(filled[:, 1]) >= 0).all()


@pytest.mark.parametrize("family", ["byte-level", "byte fallback"])
@settings(deadline=None, max_examples=120)
@given(text=SCRIPTS.map(lambda text: text.strip(" ")))
def test_offsets_are_those_of_the_encoder_where_decoding_gives_its_text(
    family: str, text: str
) -> None:
    tokenizer = FAMILIES[family]()
    encoding = tokenizer.encode(text)
    offsets = decoded_offsets(encoding.ids, text, tokenizer)
    assert offsets.tolist() == [list(pair) for pair in encoding.offsets]


def test_the_bytes_of_a_character_share_it() -> None:
    offsets = decoded_offsets(byte_level().encode("a🦒b").ids, "a🦒b", byte_level())
    first, *giraffe, last = pieces("a🦒b", offsets)
    assert (first, set(giraffe), last) == ("a", {"🦒"}, "b") and len(giraffe) > 1


def test_words_that_decoding_puts_together_share_what_is_between() -> None:
    transformers = pytest.importorskip("transformers")
    cleaning = transformers.PreTrainedTokenizerFast(
        tokenizer_object=word_piece(cleanup=False), clean_up_tokenization_spaces=True
    )
    ids = cleaning("it doesn't move.").input_ids
    text = cleaning.decode(ids)
    assert text == "it doesn't move."  # from: doesn ' t move .
    found = pieces(text, decoded_offsets(ids, text, cleaning))
    assert found == ["it", " doesn", "'", "'t", " move", "."]


@pytest.mark.parametrize("family", FAMILIES)
def test_special_tokens_cover_nothing_when_decoding_skips_them(family: str) -> None:
    tokenizer = FAMILIES[family]()
    bos, eos, pad = tokenizer.encode("<s></s><pad>").ids[-3:]
    plain = tokenizer.encode("a cat on the sofa").ids
    text = tokenizer.decode(plain)
    alone = decoded_offsets(plain, text, tokenizer).tolist()
    offsets = decoded_offsets([bos, *plain, eos, pad, pad], text, tokenizer)
    assert offsets[1:-3].tolist() == alone
    assert all(offsets[i, 0] == offsets[i, 1] for i in (0, -3, -2, -1))


def test_special_tokens_are_text_where_the_text_has_them() -> None:
    tokenizer = byte_level()
    ids = tokenizer.encode("<s>a cat").ids
    text = tokenizer.decode(ids, skip_special_tokens=False)
    assert pieces(text, decoded_offsets(ids, text, tokenizer))[0] == "<s>"


def test_a_sample_that_is_no_text_keeps_its_replacement_characters() -> None:
    half = byte_level().encode("漢").ids[:-1]
    ids = [*byte_level().encode("a").ids, *half, *byte_level().encode("b").ids]
    text = byte_level().decode(ids)
    assert text == "a\ufffdb"
    found = pieces(text, decoded_offsets(ids, text, byte_level()))
    assert found[0] == "a" and found[-1] == "b" and "\ufffd" in found[1:-1]


@pytest.mark.parametrize("change", [str.strip, str.upper, lambda text: text + " more"])
def test_another_text_is_refused_where_they_part(change: Callable[[str], str]) -> None:
    ids = byte_level().encode(" a cat").ids
    with pytest.raises(ValueError, match="parts from it at character .*expected tokenizer.decode"):
        decoded_offsets(ids, change(" a cat"), byte_level())
    with pytest.raises(ValueError, match="character 6: its end from the ids, ' more' in the text"):
        decoded_offsets(ids, " a cat more", byte_level())


def test_no_tokens() -> None:
    assert decoded_offsets([], "", byte_level()).shape == (0, 2)


class Plain:
    """A tokenizer that knows no special tokens, one character an id."""

    def __init__(self) -> None:
        self.decoded = 0

    def decode(self, ids: Sequence[int]) -> str:
        self.decoded += len(ids)
        return "".join(map(chr, ids))


def test_any_object_that_decodes_will_do_and_long_texts_cost_little() -> None:
    tokenizer, text = Plain(), "a cat, 漢字 " * 200
    offsets = decoded_offsets([ord(c) for c in text], text, tokenizer)
    assert offsets.tolist() == [[i, i + 1] for i in range(len(text))]
    assert tokenizer.decoded < 20 * len(text)


class Grown:
    """Decodes as no window of its tokens would: it says how many there are."""

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids)) if ids[0] == ord("a") else "?" * len(ids)


def test_decoders_that_need_the_beginning_are_given_it() -> None:
    text = "a" + "b" * 99
    offsets = decoded_offsets([ord(c) for c in text], text, Grown())
    covered = np.zeros(len(text), bool)
    for start, end in offsets:
        covered[start:end] = True
    assert covered.all() and (offsets[-20:, 0] >= 77).all()


def test_transformers_tokenizers_decode_the_same() -> None:
    transformers = pytest.importorskip("transformers")
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=byte_level(), bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    )
    text = "A cat 👩‍👩‍👧 naïve 漢"
    batch = fast([text], return_offsets_mapping=True)
    offsets = decoded_offsets(batch["input_ids"][0], text, fast)
    assert offsets.tolist() == [list(pair) for pair in batch["offset_mapping"][0]]


def test_tokenizers_of_bytes_share_characters() -> None:
    transformers = pytest.importorskip("transformers")
    slow = transformers.ByT5Tokenizer()
    ids = slow("né👩").input_ids
    found = pieces("né👩", decoded_offsets(ids, "né👩", slow))
    assert found == ["n", "é", "é", "👩", "👩", "👩", "👩", ""]
