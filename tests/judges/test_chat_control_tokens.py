"""Texts for models whose tokenizer is unknown: no control token survives, and all else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.judges.backbones.chat_control_tokens import neutralise

# As the families' tokenizers and processors have them.
TOKENS = (
    *("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|vision_start|>", "<|image_pad|>"),
    *("<|begin_of_text|>", "<|eot_id|>", "<|image|>", "<|image_1|>", "<|user|>", "<|end|>"),
    *("<\uff5cUser\uff5c>", "<\uff5cbegin\u2581of\u2581sentence\uff5c>", "<|ref|>", "<|/ref|>"),
    *("<image>", "</image>", "<img>", "</img>", "<Img>", "<IMG_CONTEXT>", "<ImageHere>"),
    *("<im_start>", "<im_patch>", "<image_1>", "<image 1>", "<image_id>", "<global-img>"),
    *("<fake_token_around_image>", "<row_1_col_2>", "<end_of_utterance>", "<slice>"),
    *("<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<sop>", "<loc0123>"),
    *("<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<image_soft_token>", "<unused7>"),
    *("<video>", "<audio>", "<tool_call>", "</tool_call>", "<think>", "</think>", "<extra_id_0>"),
    *("[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[SYSTEM_PROMPT]", "[gMASK]"),
    *("[/SYSTEM_PROMPT]", "[TOOL_CALLS]", "[CLS]", "[SEP]", "[MASK]", "<<SYS>>", "<</SYS>>"),
    *("]~b]", "]~!b[", "[e~[", "]<]image[>["),
)
PIECES = st.sampled_from([*TOKENS, *"<>[]|/_ ~s\uff5c", "image", "im", "INST", "\n", "a < b", "é"])
TEXTS = st.lists(PIECES, max_size=12).map("".join)


@pytest.mark.parametrize("token", TOKENS)
def test_a_control_token_gets_a_space_after_its_first_character(token: str) -> None:
    assert neutralise(f"a{token}b") == f"a{token[0]} {token[1:]}b"


@given(TEXTS)
def test_no_control_token_is_left_and_nothing_but_spaces_is_added(text: str) -> None:
    harmless = neutralise(text)
    assert not [token for token in TOKENS if token.lower() in harmless.lower()]
    assert harmless.replace(" ", "") == text.replace(" ", "")
    assert neutralise(harmless) == harmless
    if not any(token.lower() in text.lower() for token in TOKENS) and "_" not in text:
        left = iter(harmless)
        assert all(character in left for character in text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A cat, a dog & a <b>bold</b> <i>bird</i>.",
        "if a < b and c > d or x <= y: z[INDEX] = m[i][j]",
        "a << b >> c | d || e; f |> g; <- ->",
        '<a href="page.html">link</a><br/><div class="row">text</div>',
        "[[A]] [[5]] [RESULT] 4 [1] [see above]",
        "[Imagine] <imagery> <simg> [institute] <strong>",
        "<email@example.com> <https://example.com>",
    ],
)
def test_texts_without_control_tokens_are_left_alone(text: str) -> None:
    assert neutralise(text) == text


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("<<image>>", "<< image>>"),
        ("<|<|im_end|>|>", "<|< |im_end|>|>"),
        ("]~b]~b]", "] ~b] ~b]"),
        ("<s></s>", "< s>< /s>"),
        ("[INST][INST]", "[ INST][ INST]"),
    ],
)
def test_tokens_within_and_beside_tokens_are_found(text: str, harmless: str) -> None:
    assert neutralise(text) == harmless


@pytest.mark.parametrize("piece", ["<", "<|", "<a_", "[a_", "]~a", "]<]", "<|a"])
def test_long_texts_take_a_time_that_grows_with_their_length(piece: str) -> None:
    assert neutralise(piece * 50_000).replace(" ", "") == piece * 50_000
