"""What reward hacking does to texts, in numbers cheap enough for every step."""

import re
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_WIDE = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts that set no spaces between words
_WORD = re.compile(f"[{_WIDE}]|[^\\W{_WIDE}]+")
_HASHES = 64
_PRIME = (1 << 31) - 1
_RANDOM = np.random.default_rng(0)  # the same in every process, so that signatures compare
_FACTORS = _RANDOM.integers(1, _PRIME, _HASHES, np.uint64)
_SHIFTS = _RANDOM.integers(0, _PRIME, _HASHES, np.uint64)


def text_statistics(texts: Sequence[str]) -> dict[str, float]:
    """Return the means over one or more texts of their length and their repetition.

    length: in characters. repetition: share of a text's runs of three words that it has had
    before, in [0, 1); 0 for a text of fewer than four words.
    """
    return {
        "length": float(np.mean([len(text) for text in texts])),
        "repetition": float(np.mean([_repetition(text) for text in texts])),
    }


def min_hash(text: str) -> NDArray[np.uint64]:
    """Return a signature uint64 `[64]`; the share of equal places estimates the similarity.

    Similarity is Jaccard's of the sets of runs of three words, case and punctuation aside.
    Source: A. Broder, "On the resemblance and containment of documents", 1997.
    """
    runs = {crc32(" ".join(run).encode("utf-8", "replace")) % _PRIME for run in _runs(text)}
    hashed = np.fromiter(runs, np.uint64, len(runs))[:, None] * _FACTORS + _SHIFTS
    signature: NDArray[np.uint64] = (hashed % np.uint64(_PRIME)).min(axis=0)
    return signature


def _repetition(text: str) -> float:
    runs = _runs(text)
    return 1 - len(set(runs)) / len(runs)


def _runs(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return [tuple(words[i : i + 3]) for i in range(max(len(words) - 2, 1))]
