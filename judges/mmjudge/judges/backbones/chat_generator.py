"""A model behind a chat endpoint, asked as any generator is."""

import asyncio
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmjudge.contract.errors import ItemError, invalid
from mmjudge.judges.backbones.chat_failures import Failure, shortened
from mmjudge.judges.backbones.chat_flights import Flights
from mmjudge.judges.backbones.chat_key import ApiKey
from mmjudge.judges.backbones.chat_messages import chat_messages
from mmjudge.judges.backbones.chat_replies import NoLogprobs, Unusable, read_chances, read_reply
from mmjudge.judges.backbones.chat_requests import ChatRequests
from mmjudge.judges.backbones.generator import Question, Reply, Sampling
from mmjudge.judges.operation import Computed

T = TypeVar("T")

# The most that OpenAI gives, and vLLM unless told otherwise.
TOP_LOGPROBS = 20


class ChatGenerator:
    """Implements `Generator`. Questions that are equal and in flight together are sent once.

    Answers are not cached. `Unavailable` is raised once the requests are closed.
    """

    def __init__(
        self, requests: ChatRequests, flights: Flights, key: ApiKey, max_images: int
    ) -> None:
        self._requests, self._flights, self._key = requests, flights, key
        self._max_images = max_images

    async def reply(
        self, question: Question, sampling: Sampling, sample: int = 0
    ) -> Computed[Reply]:
        """Continue the conversation; the seed sent is `sampling.seed` + `sample`.

        Without a temperature nothing is drawn, so no seed is sent: some servers refuse it.
        """
        drawn = {"seed": sampling.seed + sample} if sampling.temperature > 0 else {}
        asked = {"temperature": sampling.temperature, **drawn}
        key = ("reply", question.key, sampling.max_new_tokens, *asked.values())
        return await self._ask(key, question, read_reply, sampling.max_new_tokens, **asked)

    async def chances(
        self, question: Question, answers: tuple[str, ...]
    ) -> Computed[NDArray[np.float64]]:
        """Probability of each answer's first token, 0 if not among the 20 likeliest: `[answers]`.

        The endpoint's tokenizer is unknown: an answer's first token is one with its text, or with
        a text that begins this answer and no other.
        """
        try:
            return await self._ask(
                ("chances", question.key, answers),
                question,
                lambda body: read_chances(body, answers),
                1,
                # Servers that scale before they tell would tell of another distribution.
                temperature=1.0,
                logprobs=True,
                top_logprobs=TOP_LOGPROBS,
            )
        except NoLogprobs:
            raise _no_logprobs("none came with the answer") from None
        except ItemError as error:
            refused = error.error.reason == "ENDPOINT_REFUSED_REQUEST"
            if refused and "logprobs" in error.error.message:
                raise _no_logprobs(error.error.message) from None
            raise

    async def likelihood(self, question: Question, answer: str) -> Computed[NDArray[np.float64]]:
        """Raise `ItemError` LOGPROBS_MISSING: the protocol tells nothing of a given answer."""
        raise invalid(
            "LOGPROBS_MISSING",
            "endpoints do not tell the probability of a given answer; first-token normalisation "
            "works where they tell those of the next token, or run the model in this process",
        )

    async def _ask(
        self,
        key: Hashable,
        question: Question,
        read: Callable[[str], T],
        max_tokens: int,
        **parameters: Any,
    ) -> Computed[T]:
        if 0 < self._max_images < len(question.images):
            raise invalid(
                "TOO_MANY_IMAGES",
                f"{len(question.images)} images, expected at most {self._max_images} (max_images)",
            )

        async def sent() -> Computed[T]:
            async with self._requests.slot:
                shown = await asyncio.to_thread(chat_messages, question)
                parameters["messages"] = shown.messages
                body = await self._requests.send(max_tokens, **parameters)
            try:
                return Computed(read(body), shown.notes)
            except Unusable as error:
                came = shortened(self._key.redact(body))
                what = f"the endpoint's answer is not usable: {error}; it answered {came!r}"
            raise Failure("ENDPOINT_FAILED", what).error

        return await self._flights.share(key, sent)


def _no_logprobs(what: str) -> ItemError:
    return invalid(
        "LOGPROBS_MISSING",
        f"the endpoint gives no log-probabilities ({what}); "
        'readout = "rating" or "choice" works without them',
    )
