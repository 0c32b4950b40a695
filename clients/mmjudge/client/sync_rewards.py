"""Rewards of the caller's own tokens and steps, for code without an event loop."""

from typing import TYPE_CHECKING

from mmjudge.client.decoded_offsets import Tokenizer
from mmjudge.client.failing import OnFailedRow
from mmjudge.client.pairing import Images, Texts
from mmjudge.client.rewards import StepRewards, TokenRewards
from mmjudge.client.token_offsets import Rows

if TYPE_CHECKING:
    from mmjudge.client.async_client import AsyncClient
    from mmjudge.client.loop_thread import LoopThread


class SyncRewards:
    """The part of `Client` that gives rewards by token and by step."""

    if TYPE_CHECKING:
        _loop: LoopThread
        _client: AsyncClient

    def token_rewards(
        self,
        images: Images,
        texts: Texts,
        *,
        offsets: Rows | None = None,
        ids: Rows | None = None,
        tokenizer: Tokenizer | None = None,
        judge: str | None = None,
        regions: bool = False,
        on_failure: OnFailedRow = "raise",
        timeout: float | None = None,
    ) -> TokenRewards:
        """Return a reward for each token of each text, as `AsyncClient.token_rewards`."""
        return self._loop.run(
            lambda: self._client.token_rewards(
                images,
                texts,
                offsets=offsets,
                ids=ids,
                tokenizer=tokenizer,
                judge=judge,
                regions=regions,
                on_failure=on_failure,
                timeout=timeout,
            )
        )

    def step_rewards(
        self,
        images: Images,
        texts: Texts,
        *,
        spans: Rows | None = None,
        log_probs: Rows | None = None,
        judge: str | None = None,
        on_failure: OnFailedRow = "raise",
        timeout: float | None = None,
    ) -> StepRewards:
        """Return a reward for each step of each text, as `AsyncClient.step_rewards`."""
        return self._loop.run(
            lambda: self._client.step_rewards(
                images,
                texts,
                spans=spans,
                log_probs=log_probs,
                judge=judge,
                on_failure=on_failure,
                timeout=timeout,
            )
        )
