"""The tokenizer of BLIP models, BERT's, held against the model's word table."""

from typing import Any

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.transformers_text import PlainTokenizer

ADDED = 2  # [DEC] and [ENC], which begin captions and answers; no score has them


def plain_tokenizer(tokenizer: Any, words: int) -> PlainTokenizer:
    """A transformers tokenizer for which control tokens in a text are plain text.

    `words` are the rows of the model's word table: the tokenizer's own and those of the two tokens
    that BLIP adds, which the tokenizer may have or lack.

    Raises `BackboneUnavailable` if the tokenizer has more or fewer, and as `PlainTokenizer` does.
    """
    if not words - ADDED <= len(tokenizer) <= words:
        raise BackboneUnavailable(
            f"the tokenizer has {len(tokenizer)} tokens, the model's word table {words - ADDED} "
            f"and {ADDED} more: it belongs to another model; BLIP's is that of bert-base-uncased"
        )
    return PlainTokenizer(tokenizer)
