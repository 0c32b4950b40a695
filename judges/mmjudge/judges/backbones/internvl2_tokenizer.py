"""InternVL2's tokenizer: the slow one of transformers 4.37 that its Phi-3 was tuned with.

Newer tokenizers split the same texts differently. This one reads `tokenizer.model` with plain
SentencePiece and follows the rules by which LlamaTokenizer (`legacy` off) added tokens to it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import sentencepiece

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.model_files import read_json

SPACE = "\u2581"  # SentencePiece's mark of a space
UNKNOWN = "<unk>"
# The end of a serialised ModelProto that overrides normalizer_spec.add_dummy_prefix with false:
# of a message field that occurs twice, protobuf merges the contents.
NO_DUMMY_PREFIX = b"\x1a\x02\x18\x00"
NAMES = ("bos_token", "eos_token", "unk_token", "pad_token")


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token outside SentencePiece's vocabulary; `strips` drops the white space after it."""

    text: str
    id: int
    strips: bool


Piece = str | AddedToken
"""Of a prompt: a text, in which nothing is a control token, or a control token."""


class InternVL2Tokenizer:
    """Texts and control tokens to ids, and ids to text."""

    def __init__(self, folder: Path) -> None:
        """Read `tokenizer.model` and `tokenizer_config.json`; raises `BackboneUnavailable`."""
        self._file, settings = folder / "tokenizer.model", folder / "tokenizer_config.json"
        try:
            model = self._file.read_bytes() + NO_DUMMY_PREFIX
            self._model: Any = sentencepiece.SentencePieceProcessor(model_proto=model)
        except (OSError, RuntimeError) as error:
            raise BackboneUnavailable(f"{self._file}: no SentencePiece model ({error})") from error
        self._read(settings, read_json(settings))
        self._dummy = len(self._model.encode(UNKNOWN))
        texts = sorted(map(re.escape, self._added), key=len, reverse=True)
        self._control = re.compile("|".join(texts))

    def _read(self, path: Path, settings: dict[str, Any]) -> None:
        try:
            flags = {int(i): flag for i, flag in settings["added_tokens_decoder"].items()}
            self._added = {
                flag["content"]: AddedToken(flag["content"], i, flag["rstrip"])
                for i, flag in flags.items()
            }
            named = [settings[name] for name in NAMES if settings.get(name)]
            named += settings.get("additional_special_tokens") or []
            special = [name if isinstance(name, str) else name["content"] for name in named]
            self._special = {self._added[name].id for name in special}
            self._begin = [self.token(settings["bos_token"]).id] * settings["add_bos_token"]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BackboneUnavailable(
                f"{path}: {type(error).__name__}: {error}; expected the settings of a slow "
                "LlamaTokenizer with added_tokens_decoder and add_bos_token"
            ) from error
        strange = [flag["content"] for flag in flags.values() if _unread(flag)]
        if strange or settings.get("legacy", True) or settings.get("add_eos_token"):
            raise BackboneUnavailable(
                f"{path}: expected legacy false, add_eos_token false and tokens without lstrip and "
                f"single_word; found legacy {settings.get('legacy')}, "
                f"add_eos_token {settings.get('add_eos_token')}, such tokens {strange}"
            )
        self._texts = {token.id: token.text for token in self._added.values()}

    @property
    def words(self) -> int:
        """How many ids there are."""
        return int(max(self._model.vocab_size(), *(i + 1 for i in self._texts)))

    def token(self, text: str) -> AddedToken:
        """The control token of that name; raises `BackboneUnavailable` if there is none."""
        if text not in self._added:
            raise BackboneUnavailable(f"{self._file.parent}: its tokenizer has no token {text}")
        return self._added[text]

    def parse(self, text: str) -> list[Piece]:
        """Take control tokens out of a text in which they are meant; never one that is judged."""
        pieces: list[Piece] = []
        end = 0
        for match in self._control.finditer(text):
            pieces += [text[end : match.start()], self._added[match[0]]]
            end = match.end()
        return [*pieces, text[end:]]

    def encode(self, pieces: Sequence[Piece]) -> list[int]:
        """Ids of a whole prompt, with the beginning token if the tokenizer has it so.

        What looks like a control token within a text is spelled out.
        """
        parts = _joined([SPACE, *pieces] if any(pieces) else [])
        ids: list[int] = []
        stripping = False
        for part in parts:
            if isinstance(part, AddedToken):
                ids.append(part.id)
                stripping = part.strips
            else:
                ids += self._spell(part.lstrip() if stripping else part)
        # Dropped only before tokens that the settings list as special, which Phi-3's chat markers
        # are not: the model was tuned with this token before `<|system|>`.
        if len(ids) > 1 and ids[0] == self._model.piece_to_id(SPACE) and ids[1] in self._special:
            del ids[0]
        return self._begin + ids

    def _spell(self, text: str) -> list[int]:
        # Behind something else, because a text's first space would be lost.
        if text.startswith((SPACE, " ")):
            return list(self._model.encode(UNKNOWN + text)[self._dummy :])
        return list(self._model.encode(text))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids, without special tokens; other control tokens stand between spaces."""
        kept = [i for i in ids if i not in self._special]
        texts = []
        for added, run in groupby(kept, key=lambda i: i in self._texts):
            group = list(run)
            texts += [self._texts[i] for i in group] if added else [self._text(group)]
        return " ".join(filter(None, texts))

    def _text(self, ids: list[int]) -> str:
        text: str = self._model.decode(ids)
        return text[1:] if self._model.id_to_piece(ids[0]).startswith(SPACE) else text


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return joined


def _unread(flag: dict[str, Any]) -> bool:
    return bool(flag.get("lstrip") or flag.get("single_word"))
