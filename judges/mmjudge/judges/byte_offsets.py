"""Between characters, which judges cut texts by, and UTF-8 bytes, which callers count in."""

import numpy as np
from numpy.typing import NDArray


def byte_offsets(text: str) -> NDArray[np.int64]:
    """Where in UTF-8 each character begins, int64 `[characters + 1]`; last, the text's length."""
    codes = np.frombuffer(text.encode("utf-32-le"), "<u4")
    widths = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(widths)])


def touched_characters(offsets: NDArray[np.int64], spans: NDArray[np.int32]) -> NDArray[np.int64]:
    """Byte spans `[n, 2]` -> the characters they touch `[n, 2]`: one that is cut is touched."""
    start = np.searchsorted(offsets, spans[:, 0], "right") - 1
    end = np.searchsorted(offsets, spans[:, 1], "left")
    return np.stack([start, np.where(spans[:, 1] > spans[:, 0], end, start)], 1)
