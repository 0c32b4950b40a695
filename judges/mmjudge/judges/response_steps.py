"""The steps of a response: the caller's spans, or the sentences that the judge finds."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import invalid
from mmjudge.contract.items import Candidate
from mmjudge.judges.pairing import Pair
from mmjudge.judges.sentences import sentences


@dataclass(frozen=True, slots=True)
class Step:
    """A part of a response that is rewarded for itself.

    row: its place among the spans that are returned; start, end: in UTF-8 bytes of the text.
    text: its words, without the whitespace around them.
    log_probs: the policy's natural logarithms, one a token or one for the whole step; none unless
    they are needed.
    """

    row: int
    start: int
    end: int
    text: str
    log_probs: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """A candidate's steps, and the spans int32 `[n, 2]` among which they are rows.

    `text_path` says where in the item the text came from.
    """

    text_path: str
    spans: NDArray[np.int32]
    steps: tuple[Step, ...]


def caller_steps(candidate: Candidate, pair: Pair, path: str, *, log_probs: bool) -> Response:
    """The candidate's spans as steps; those without words are no steps.

    Raises `ItemError`: SPAN_CUTS_CHARACTER, SPANS_EMPTY where none holds words, LOG_PROBS_EXPECTED
    where `log_probs` are needed and not sent. `path` is the candidate's.
    """
    spans, data = candidate.spans, pair.text.encode()
    assert spans is not None  # that is when this is called
    sent = _log_probs(candidate, path) if log_probs else None
    steps = []
    for row, (start, end) in enumerate(spans.tolist()):
        try:
            words = data[start:end].decode().strip()
        except UnicodeDecodeError as error:
            message = f"{[start, end]} cuts a character in two: steps consist of whole characters"
            raise invalid("SPAN_CUTS_CHARACTER", message, f"{path}.spans[{row}]") from error
        if words:
            own = () if sent is None else (float(sent[row]),)
            steps.append(Step(row, start, end, words, own))
    if not steps:
        message = f"none of {len(spans)} spans holds words: send those of the steps, or none at all"
        raise invalid("SPANS_EMPTY", message, f"{path}.spans")
    return Response(pair.text_path, spans, tuple(steps))


def found_steps(
    candidate: Candidate, pair: Pair, path: str, language: str, *, log_probs: bool
) -> Response:
    """The sentences of the text as steps, with the log-probabilities of their tokens.

    A token, one of the candidate's spans, is of the last sentence that has begun where the token
    ends, so that a space before a word goes with the word; a token with an empty span is of none.
    Raises `ItemError` as `sentences` does, LOG_PROBS_EXPECTED where `log_probs` are needed and
    there are none, or none for a sentence. `path` is the candidate's.
    """
    text = pair.text
    ranges = sentences(text, language)
    ends_at = [len(text[:end].encode()) for _, end in ranges]
    words = [text[start:end] for start, end in ranges]
    starts_at = [end - len(word.encode()) for end, word in zip(ends_at, words, strict=True)]
    spans = np.array([starts_at, ends_at], np.int32).T
    by_row = _by_sentence(candidate, spans, path) if log_probs else {}
    steps = [
        Step(row, start, end, words[row], tuple(by_row.get(row, ())))
        for row, (start, end) in enumerate(spans.tolist())
    ]
    for step in steps:
        if log_probs and not step.log_probs:
            message = f"none in the sentence at bytes {step.start} to {step.end}: send every token"
            raise invalid("LOG_PROBS_EXPECTED", message, f"{path}.log_probs")
    return Response(pair.text_path, spans, tuple(steps))


def _by_sentence(
    candidate: Candidate, sentence_spans: NDArray[np.int32], path: str
) -> dict[int, list[float]]:
    sent, tokens = _log_probs(candidate, path), candidate.spans
    assert tokens is not None  # the contract refuses log-probabilities without spans
    rows = np.maximum(np.searchsorted(sentence_spans[:, 0], tokens[:, 1], side="left") - 1, 0)
    found: dict[int, list[float]] = defaultdict(list)
    for (start, end), row, value in zip(tokens.tolist(), rows.tolist(), sent.tolist(), strict=True):
        if end > start:
            found[row].append(value)
    return found


def _log_probs(candidate: Candidate, path: str) -> NDArray[np.float32]:
    if candidate.log_probs is None or candidate.spans is None:
        message = (
            "none, expected the policy's, one a span; a judge with image_weight = 1 needs none"
        )
        raise invalid("LOG_PROBS_EXPECTED", message, f"{path}.log_probs")
    return candidate.log_probs
