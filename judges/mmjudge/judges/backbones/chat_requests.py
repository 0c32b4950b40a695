"""Requests to a chat endpoint: a few at a time, each with a time limit, tried again if need be."""

import asyncio
from typing import TYPE_CHECKING, Any, TypeGuard

from mmjudge.judges.backbones.chat_failures import (
    Failure,
    server_message,
    shortened,
    status_failure,
)
from mmjudge.judges.backbones.chat_key import ApiKey
from mmjudge.judges.backbones.chat_retries import Chance, retrying, seconds_to_wait
from mmjudge.judges.backbones.generator_config import GeneratorConfig

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# The parameter that limits an answer: older servers know the first only, OpenAI's reasoning
# models take the second only.
LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


class ChatRequests:
    """Sends chat completions to one endpoint, from one event loop.

    slot: to be held while a question is prepared, sent and sent again, so that no more of them
    than `concurrency` take the endpoint's time and this process's memory.
    """

    def __init__(self, config: GeneratorConfig, key: ApiKey, chance: Chance) -> None:
        # It belongs to no loop until somebody waits for it.
        self.slot = asyncio.Semaphore(config.concurrency)
        self._config, self._key, self._chance = config, key, chance
        self._limit = "max_tokens"
        self._client: AsyncOpenAI | None = None

    async def send(self, max_tokens: int, **parameters: Any) -> str:
        """Return the body of the endpoint's answer. Raises `ItemError` ENDPOINT_..."""
        limit = self._limit
        outcome = await self._retrying({**parameters, limit: max_tokens})
        if _refused(outcome) and limit in outcome.message:
            other = LIMITS[limit]
            again = await self._retrying({**parameters, other: max_tokens})
            if not _refused(again):
                outcome, self._limit = again, other
        if isinstance(outcome, Failure):
            raise outcome.error
        return outcome

    async def aclose(self) -> None:
        """Close all connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _retrying(self, parameters: dict[str, Any]) -> str | Failure:
        return await retrying(lambda: self._attempt(parameters), self._config.retries, self._chance)

    async def _attempt(self, parameters: dict[str, Any]) -> str | Failure:
        from openai import APIConnectionError, APIStatusError

        # Failures are returned, because an error raised here would carry the library's along, and
        # that may quote what the server said of the key.
        try:
            # One clock for all: HTTP libraries count the silence between two bytes.
            async with asyncio.timeout(self._config.timeout):
                create: Any = self._connected().chat.completions.with_raw_response.create
                answer = await create(model=self._config.model, **parameters)
                body: bytes = answer.http_response.content
            return body.decode(errors="replace")
        except TimeoutError:
            message = f"the endpoint did not answer within {self._config.timeout:g} s (timeout)"
            return Failure("ENDPOINT_TIMEOUT", message)
        except APIStatusError as error:
            response = error.response
            said = shortened(self._key.redact(server_message(response.text)))
            asked = response.headers.get("retry-after", "")
            wait = seconds_to_wait(asked, self._chance.now())
            return status_failure(response.status_code, said, self._key.advice, wait)
        except APIConnectionError as error:
            cause = error.__cause__ or error
            said = shortened(self._key.redact(f"{type(cause).__name__}: {cause}"))
            return Failure("ENDPOINT_FAILED", f"no answer from the endpoint: {said}")

    def _connected(self) -> "AsyncOpenAI":
        if self._client is None:
            from openai import AsyncOpenAI

            self._client = AsyncOpenAI(
                api_key=self._key.sent,
                base_url=self._config.endpoint,
                timeout=None,
                max_retries=0,
            )
        return self._client


def _refused(outcome: str | Failure) -> TypeGuard[Failure]:
    return isinstance(outcome, Failure) and outcome.status in (400, 422)
