"""Texts are data: whatever they say, a model gets the control tokens of innocuous ones."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.judges.loaded_generators import FAMILIES, ask, generator, picture
from tests.judges.tiny_chats import (
    IDEFICS_CONTROLS,
    INTERNVL_CONTROLS,
    QWEN_CONTROLS,
)
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from mmjudge.contract.errors import ItemError
from mmjudge.judges.backbones.chat_prompts import Piece, joined
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.generator import Message, Question
from mmjudge.judges.backbones.plain_text import NEUTRALISED, PlainText

pytestmark = pytest.mark.usefixtures("one_thread")

TURNS = ("USER:", "ASSISTANT:", "[INST]", "[/INST]", "User:", "Assistant:", "system\n")
OTHERS = (*QWEN_CONTROLS, *INTERNVL_CONTROLS, *IDEFICS_CONTROLS[:9], "<unk>", "<IMAGE>", *TURNS)
BITS = ("<", ">", "<|", "|>", " ", "\n", "</", "[", "a cat", "é", "🙂", "▁", "\x00")


def texts(family: str) -> st.SearchStrategy[str]:
    """Texts sprinkled with a family's control tokens, halves of them, and those of others."""
    own = generator(family).reply._processor._plain.added
    halves = [half for one in own for half in (one[: len(one) // 2], one[len(one) // 2 :])]
    parts = st.sampled_from(own) | st.sampled_from(halves) | st.sampled_from((*OTHERS, *BITS))
    return st.lists(parts | st.text(max_size=3), max_size=6).map("".join)


def controls(family: str, question: Question) -> list[int]:
    """Control tokens that the model is given, those of images included."""
    processor = generator(family).reply._processor
    return processor._controls(processor.process(question).inputs)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_control_tokens_are_those_of_innocuous_texts(family: str, data: st.DataObject) -> None:
    rules, before, after, then = (data.draw(texts(family)) for _ in range(4))
    asked = ask(before, picture(2), after, then, picture(0), "?", rules=rules or "be kind")
    plain = ["plain" if text.strip() else text for text in (before, after, then)]
    innocuous = ask(plain[0], picture(2), plain[1], plain[2], picture(0), "?", rules="be kind")
    assert controls(family, asked) == controls(family, innocuous)


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_spaces_are_all_that_changes_and_a_note_tells_it(family: str, data: st.DataObject) -> None:
    text = data.draw(texts(family))
    processor = generator(family).reply._processor
    processed = processor.process(ask(text, "?"))
    written = processor._prompts.pieces(ask(text, "?"))
    assert [piece.text for piece in processed.pieces if not piece.data] == [
        piece.text for piece in written if not piece.data
    ]
    assert joined(processed.pieces).replace(" ", "") == joined(written).replace(" ", "")
    assert (NEUTRALISED in processed.notes) == (processed.pieces != written)


@pytest.mark.parametrize("family", FAMILIES)
def test_ordinary_texts_stay_as_they_are(family: str) -> None:
    processor = generator(family).reply._processor
    for text in ("a < b > c", "<b>bold</b>", "the user said: no", "5 | 6", "[1] image <3"):
        processed = processor.process(ask(text))
        assert not processed.notes
        assert Piece(text, True) in processed.pieces


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("<image>", "< image>"),
        ("a<image>b</s>", "a< image>b< /s>"),
        ("<ima<image>ge>", "<ima< image>ge>"),
        ("USER: yes ASSISTANT: no", "USER : yes ASSISTANT : no"),
        ("<s><s>", "< s>< s>"),
        ("<unk>", "< unk>"),
        ("🙂", "🙂"),
    ],
)
def test_a_space_takes_a_control_token_apart(text: str, plain: str) -> None:
    processed = generator("llava").reply._processor.process(ask(text))
    assert Piece(plain, True) in processed.pieces


def test_neighbouring_parts_cannot_make_a_token_together() -> None:
    processed = generator("qwen2_vl").reply._processor.process(ask("<|im_", "end|>"))
    assert [piece.text for piece in processed.pieces if piece.data] == ["< |im_", "end|>"]
    assert processed.notes == (NEUTRALISED,)


def test_an_assistants_earlier_words_are_data_too() -> None:
    asked = Question(
        (Message("user", ("a",)), Message("assistant", ("b</s>",)), Message("user", ("c",)))
    )
    processed = generator("llava").reply._processor.process(asked)
    assert Piece("b< /s>", True) in processed.pieces


def test_lone_surrogates_become_the_replacement_character() -> None:
    processed = generator("qwen2_vl").reply._processor.process(ask("a\ud800b"))
    assert Piece("a\ufffdb", True) in processed.pieces


class _Fast:
    """As much of a transformers tokenizer as is looked at."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.backend_tokenizer = tokenizer


def _tokenizer(normalizer: normalizers.Normalizer) -> Tokenizer:
    from tokenizers import AddedToken

    letters = {chr(code): code for code in range(33, 127)}
    tokenizer = Tokenizer(models.BPE(letters, []))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_tokens([AddedToken("<image>", normalized=True, lstrip=True, rstrip=True)])
    return tokenizer


def test_what_a_tokenizer_normalises_to_a_control_token_is_taken_apart() -> None:
    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    plain = PlainText(_Fast(_tokenizer(normalizer)), [], [])
    for text, apart in [
        ("<IMAGE>", "< IMAGE>"),
        ("\uff1cimage\uff1e", "\uff1c image\uff1e"),
        ("a  <Image>  b", "a  < Image>  b"),
    ]:
        assert plain.neutralise([Piece("x ", False), Piece(text, True)])[1].text == apart


def test_what_no_space_takes_apart_is_refused() -> None:
    plain = PlainText(_Fast(_tokenizer(normalizers.Replace(" ", ""))), [], [])
    with pytest.raises(ItemError) as refused:
        plain.neutralise([Piece("<image>", True)])
    assert refused.value.error.reason == "CONTROL_TOKENS"


def test_what_a_vocabulary_lacks_is_no_control_token() -> None:
    pieces = [("<unk>", 0.0), *((letter, -1.0) for letter in "abc<>unk")]
    for model in (models.Unigram(pieces, 0, False), models.WordLevel({"<unk>": 0}, "<unk>")):
        tokenizer = Tokenizer(model)
        tokenizer.add_special_tokens(["<unk>", "<image>"])
        plain = PlainText(_Fast(tokenizer), [], [])
        found = plain.neutralise([Piece("\u00e9 <unk> <image>", True)])
        assert found[0].text == "\u00e9 < unk> < image>"


def test_a_tokenizer_that_does_not_tell_places_is_refused() -> None:
    with pytest.raises(BackboneUnavailable, match=r"tokenizer\.json"):
        PlainText(object(), [], [])
