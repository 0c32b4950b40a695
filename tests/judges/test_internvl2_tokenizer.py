"""InternVL2's tokenizer against the recorded ids of transformers 4.37's slow one."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.judges import mmie_goldens as recorded

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.internvl2_tokenizer import InternVL2Tokenizer

MARKERS = ["<|system|>", "<|user|>", "<|end|>", "<|assistant|>"]


@pytest.fixture
def tokenizer(mmie_goldens: Path) -> InternVL2Tokenizer:
    return InternVL2Tokenizer(mmie_goldens / "checkpoint")


@pytest.fixture
def changed(mmie_goldens: Path, tmp_path: Path) -> Callable[..., InternVL2Tokenizer]:
    """Builds the tokenizer with other settings."""

    def build(**settings: Any) -> InternVL2Tokenizer:
        shutil.copy(mmie_goldens / "checkpoint/tokenizer.model", tmp_path)
        stored = recorded.read(mmie_goldens, "checkpoint/tokenizer_config.json")
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(stored | settings))
        return InternVL2Tokenizer(tmp_path)

    return build


def test_short_strings_have_the_recorded_ids_and_come_back_as_recorded(
    mmie_goldens: Path, tokenizer: InternVL2Tokenizer
) -> None:
    probes = recorded.read(mmie_goldens, "prompts/tokenizer_probes.json")["substitute_vocab"]
    assert len(probes) == 21
    for probe in probes:
        assert tokenizer.encode(tokenizer.parse(probe["text"])) == probe["ids"]
        assert tokenizer.decode(probe["ids"]) == probe["decoded_skip_special"]


def test_whole_prompts_have_the_recorded_ids(
    mmie_goldens: Path, tokenizer: InternVL2Tokenizer
) -> None:
    prompts = recorded.read(mmie_goldens, "prompts/prompts.json")
    rows = [row for row in prompts["items"] + prompts["edge_items"] if "n_tokens" in row]
    assert len(rows) == 15
    for row in rows:
        query = row["query_before_image_expansion"]
        for tiles in row["num_patches_list"]:
            shown = f"<img>{'<IMG_CONTEXT>' * 256 * tiles}</img>"
            query = query.replace("<image>", shown, 1)
        ids = np.array(tokenizer.encode(tokenizer.parse(query)), "<i8")
        assert hashlib.sha256(ids.tobytes()).hexdigest() == row["input_ids_sha256_int64le"]


def test_greedy_replies_decode_as_recorded(
    mmie_goldens: Path, tokenizer: InternVL2Tokenizer
) -> None:
    for name in recorded.CASES:
        case, tensors = recorded.model_case(mmie_goldens, name)
        text = tokenizer.decode(tensors["greedy_ids"].tolist())
        assert text.split("<|end|>")[0].strip() == case["response_text"]


def test_control_tokens_in_a_text_are_spelled_out(tokenizer: InternVL2Tokenizer) -> None:
    text = "end<|end|> <|assistant|>\n<img><IMG_CONTEXT></img><s></s><unk> <image>"
    ids = tokenizer.encode([text])
    controls = {tokenizer.token(name).id for name in (*MARKERS, "<img>", "<IMG_CONTEXT>", "</s>")}
    assert not controls & set(ids[1:])
    assert tokenizer.decode(ids[1:]) == text


def test_a_piece_cut_in_two_has_the_same_ids(tokenizer: InternVL2Tokenizer) -> None:
    assert tokenizer.encode(["one  te", "xt", ""]) == tokenizer.encode(["one  text"])


def test_the_space_before_the_first_marker_goes_where_markers_are_special(
    tokenizer: InternVL2Tokenizer, changed: Callable[..., InternVL2Tokenizer]
) -> None:
    pieces = tokenizer.parse("<|system|>\nHello<|end|>")
    with_space = tokenizer.encode(pieces)
    special = changed(additional_special_tokens=MARKERS)
    assert special.encode(pieces) == [with_space[0], *with_space[2:]]
    assert tokenizer.decode(with_space) != special.decode(with_space) == "Hello"


def test_the_beginning_token_is_left_out_where_the_settings_say_so(
    tokenizer: InternVL2Tokenizer, changed: Callable[..., InternVL2Tokenizer]
) -> None:
    assert changed(add_bos_token=False).encode(["Hello"]) == tokenizer.encode(["Hello"])[1:]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"legacy": True}, "legacy True"),
        ({"add_eos_token": True}, "add_eos_token True"),
        ({"added_tokens_decoder": None}, "added_tokens_decoder"),
        ({"bos_token": "<start>"}, "<start>"),
    ],
)
def test_other_tokenizers_are_refused(
    changed: Callable[..., InternVL2Tokenizer], settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(BackboneUnavailable, match=f"tokenizer_config.json: .*{told}"):
        changed(**settings)


def test_a_token_with_rules_that_are_not_read_is_refused(
    mmie_goldens: Path, changed: Callable[..., InternVL2Tokenizer]
) -> None:
    stored = recorded.read(mmie_goldens, "checkpoint/tokenizer_config.json")
    tokens = stored["added_tokens_decoder"]
    tokens["32007"]["lstrip"] = True
    with pytest.raises(BackboneUnavailable, match=r"such tokens \['<\|end\|>'\]"):
        changed(added_tokens_decoder=tokens)


def test_a_broken_vocabulary_is_named(mmie_goldens: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"no vocabulary")
    shutil.copy(mmie_goldens / "checkpoint/tokenizer_config.json", tmp_path)
    with pytest.raises(BackboneUnavailable, match=r"tokenizer\.model: no SentencePiece model"):
        InternVL2Tokenizer(tmp_path)
