"""What an endpoint's answers say, read strictly: they may hold anything."""

import json
import math
from collections.abc import Sequence
from string import whitespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmjudge.judges.backbones.generator import Reply

# What stands before a word in a token's text: spaces, and how SentencePiece and byte-level BPE
# write them.
BEFORE_WORDS = whitespace + "\N{NO-BREAK SPACE}\u2581\u0120\u010a"


class Unusable(Exception):
    """An answer is not what the protocol promises; the message says what of it."""


class NoLogprobs(Exception):
    """An answer comes without log-probabilities."""


def read_reply(body: str) -> Reply:
    """Read a chat completion as a reply. Raises `Unusable`."""
    choice = _first_choice(body)
    reason, message = choice.get("finish_reason"), choice.get("message")
    if not isinstance(message, dict):
        raise Unusable("no message")
    text, refusal = message.get("content"), message.get("refusal")
    if (isinstance(refusal, str) and refusal) or reason == "content_filter":
        told = next((said for said in (refusal, text) if isinstance(said, str) and said), "")
        return Reply(told, refused=True)
    if not isinstance(text, str):
        raise Unusable(f"no content in the message (finish_reason {reason!r})")
    if reason not in ("stop", "length"):
        raise Unusable(f"finish_reason {reason!r}, expected stop, length or content_filter")
    return Reply(text, finished=reason == "stop")


def read_chances(body: str, answers: Sequence[str]) -> NDArray[np.float64]:
    """Probability of each answer's first token among the likeliest: `[answers]`, in 0..1.

    Compared by their text, spaces before it aside. A token that is no whole answer counts for the
    answer that it begins, if it is one alone. Raises `Unusable`, `NoLogprobs`.
    """
    choice = _first_choice(body)
    logprobs = choice.get("logprobs")
    positions = logprobs.get("content") if isinstance(logprobs, dict) else None
    first = positions[0] if isinstance(positions, list) and positions else None
    likeliest = first.get("top_logprobs") if isinstance(first, dict) else None
    if not isinstance(likeliest, list) or not likeliest:
        raise NoLogprobs
    wanted = [answer.lstrip(BEFORE_WORDS) for answer in answers]
    chances = np.zeros(len(wanted))
    for entry in likeliest:
        token, logprob = _token(entry)
        same = [i for i, answer in enumerate(wanted) if answer == token]
        begun = [i for i, answer in enumerate(wanted) if token and answer.startswith(token)]
        if same or len(begun) == 1:
            chances[same or begun] += math.exp(logprob)
    # Log-probabilities are rounded, so that their sum may be a little too large.
    return np.minimum(chances, 1.0)


def _token(entry: object) -> tuple[str, float]:
    token = entry.get("token") if isinstance(entry, dict) else None
    logprob = entry.get("logprob") if isinstance(entry, dict) else None
    # Not `logprob > ...`, which is False for NaN; rounding may lift a certain token above 0.
    if not isinstance(token, str) or not isinstance(logprob, int | float) or not logprob <= 1e-3:
        raise Unusable("top_logprobs that are no tokens with log-probabilities")
    return token.lstrip(BEFORE_WORDS), logprob


def _first_choice(body: str) -> dict[str, Any]:
    try:
        completion = json.loads(body)
    except (ValueError, RecursionError):
        raise Unusable("the body is no JSON, or not all of it") from None
    choices = completion.get("choices") if isinstance(completion, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise Unusable("no choices")
    return choices[0]
