"""Tokenizers of transformers, made safe: no control tokens from a text, and one for all threads."""

import hashlib
import json
import secrets
from typing import Any

from tokenizers import Tokenizer

from mmjudge.judges.backbones.errors import BackboneUnavailable


class PlainTokenizer:
    """A transformers tokenizer for which control tokens written in a text are plain text.

    It never pads or cuts. A fast tokenizer is copied, because transformers' own sets padding,
    truncation and control tokens on a shared object at each call, which threads trip over.
    """

    pad_id: int
    endings: int
    """How many special tokens end every text."""
    description: str
    """Class and digest of everything that decides the ids."""
    libraries: tuple[str, ...] = ("tokenizers",)

    def __init__(self, tokenizer: Any) -> None:
        """Take over a `PreTrainedTokenizerBase`, backed by tokenizers or by SentencePiece.

        Raises `BackboneUnavailable` if it is of another kind, has no padding token, or pads on the
        left, where no position of a dual encoder was trained to find padding.
        """
        self._tokenizer = tokenizer
        kind = type(tokenizer).__name__
        self._backend: Tokenizer | None = None
        if hasattr(tokenizer, "backend_tokenizer"):
            state = json.loads(tokenizer.backend_tokenizer.to_str())
            state["truncation"] = state["padding"] = None
            content = json.dumps(state).encode()
            _hide_control_pieces(state)
            self._backend = Tokenizer.from_str(json.dumps(state))
            self._backend.encode_special_tokens = True
        elif hasattr(tokenizer, "sp_model"):
            self.libraries = ("sentencepiece",)
            lower = tokenizer.init_kwargs.get("do_lower_case")
            content = f"lower case {lower} ".encode() + tokenizer.sp_model.serialized_model_proto()
        else:
            raise BackboneUnavailable(
                f"tokenizer {kind}: expected one backed by tokenizers (tokenizer.json) or by "
                "SentencePiece"
            )
        if tokenizer.padding_side != "right":
            raise BackboneUnavailable(
                f'tokenizer {kind} pads on the left: set "padding_side": "right" in its '
                "tokenizer_config.json, as dual encoders were trained"
            )
        if tokenizer.pad_token_id is None:
            raise BackboneUnavailable(
                f"tokenizer {kind} has no padding token: name one in its tokenizer_config.json"
            )
        self.pad_id = int(tokenizer.pad_token_id)
        self.endings = self._count_endings()
        self.description = f"{kind} {hashlib.sha256(content).hexdigest()[:16]}"

    def ids(self, text: str, special: bool = True) -> list[int]:
        """All ids of a text, with the special tokens around it unless `special` is false."""
        if self._backend is not None:
            return self._backend.encode(text, add_special_tokens=special).ids
        encoded = self._tokenizer(
            text, add_special_tokens=special, split_special_tokens=True, verbose=False
        )
        return list(encoded["input_ids"])

    def locate(self, text: str) -> list[tuple[int, int]] | None:
        """Characters of each of `ids(text)`, (0, 0) for special tokens; None of SentencePiece."""
        if self._backend is None:
            return None
        offsets: list[tuple[int, int]] = self._backend.encode(text).offsets
        return offsets

    def _count_endings(self) -> int:
        whole, bare = self.ids("a"), self.ids("a", special=False)
        starts = range(len(whole) - len(bare) + 1)
        start = next(at for at in starts if whole[at : at + len(bare)] == bare)
        return len(whole) - start - len(bare)


def cut(ids: list[int], most: int, endings: int) -> list[int]:
    """The first of `ids` and the last `endings`, `most` together."""
    return ids if len(ids) <= most else ids[: most - endings] + ids[len(ids) - endings :]


def _hide_control_pieces(state: dict[str, Any]) -> None:
    """Keep a serialised tokenizer's Unigram model from making control tokens out of a text.

    `encode_special_tokens` only keeps the tokenizer from looking for control tokens before the
    model sees the text. A Unigram model has them among its pieces, at the best of scores, and finds
    them again (SentencePiece marks them as control pieces, a mark that is lost in conversion). Here
    they get names nobody can write; ids stay.
    """
    model = state["model"]
    if model["type"] != "Unigram":
        return
    unwritable = secrets.token_hex(16)
    for token in state["added_tokens"]:
        if token["special"] and token["id"] < len(model["vocab"]):
            token["content"] = model["vocab"][token["id"]][0] = f"{unwritable} {token['id']}"
