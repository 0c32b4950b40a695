"""Tokenizers as callers have them, trained in a moment, and the byte spans of their tokens."""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from mmjudge.judges.byte_offsets import byte_offsets

TEXTS = (
    "a tabby cat sits on a wooden table beside two cups of coffee, isn't it?",
    "Ein Äpfelchen kostet 3,50 €; naïve cafe\u0301s don't.",
    "一隻貓坐在桌子上。これはカメラです。",
    "القطة على الطاولة وכלב ליד החתול",
    "👩\u200d👩\u200d👧 🇫🇷 👍🏽 rockets 🚀🚀 launch",
    "ภาษาไทย สวย",
)


@cache
def byte_level() -> Tokenizer:
    """Byte-level BPE, as GPT-2, Llama 3 and Qwen have it: tokens may cut characters."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=alphabet, special_tokens=["<s>"], show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


@cache
def unigram() -> Tokenizer:
    """SentencePiece's Unigram, as T5 and XLM-R have it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=200, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS * 4, trainer)
    return tokenizer


@cache
def word_piece() -> Tokenizer:
    """WordPiece, as BERT has it: lower case, accents stripped, ideographs apart."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=200, special_tokens=["[UNK]"], show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def published_word_piece(goldens: Path) -> Tokenizer:
    """WordPiece with the vocabulary of bert-base-uncased."""
    lines = (goldens / "tokenizers/bert_base_uncased_vocab.txt").read_text().splitlines()
    vocabulary = {word: index for index, word in enumerate(lines)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer


def spans(tokenizer: Tokenizer, text: str) -> NDArray[np.int32]:
    """Byte spans of the tokens, with an empty one at each end as special tokens have it."""
    found = [(0, 0), *tokenizer.encode(text).offsets, (0, 0)]
    found_bytes: NDArray[np.int32] = byte_offsets(text)[np.array(found)].astype(np.int32)
    return found_bytes
