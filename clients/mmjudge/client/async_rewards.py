"""Rewards of the caller's own tokens and steps, asked in an event loop."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from mmjudge.client.caller_spans import each, step_candidates, token_candidates
from mmjudge.client.deadline import Deadline
from mmjudge.client.decoded_offsets import Tokenizer
from mmjudge.client.failing import OnFailedRow, check_on_failure
from mmjudge.client.pairing import Images, Texts, grouped
from mmjudge.client.results import Verdicts
from mmjudge.client.rewards import StepRewards, TokenRewards
from mmjudge.client.row_verdicts import by_row, failed_in_company, group_items, replaced
from mmjudge.client.token_offsets import Rows
from mmjudge.contract import Hosting, Item, Want


class AsyncRewards:
    """The part of `AsyncClient` that gives rewards by token and by step."""

    if TYPE_CHECKING:

        async def judge(self, *args: Any, **options: Any) -> Any: ...
        async def _known_hosting(self, deadline: Deadline) -> Hosting: ...
        def _deadline(self, timeout: float | None) -> Deadline: ...

    async def token_rewards(
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
        """Return a reward for each token of each text, on its image: float32 `[batch, longest]`.

        Images and texts pair as in `score`. Texts in a row over one image, a group of completions,
        share its upload and its encoding; one that cannot be judged fails alone all the same.
        offsets: where the tokens are, `[tokens, 2]` characters a text, as Hugging Face tokenizers
            return with `return_offsets_mapping=True`; lists, arrays or tensors, padded or not.
        ids: or the token ids of each text, with the `tokenizer` that decodes them to it.
        judge: which one to ask; None for the only one that gives token rewards.
        regions: whether to return the patch that justifies each reward, too.

        Raises ItemFailed or ItemAbstained for the first row without rewards, or with
        `on_failure="mask"` leaves its mask False and lists it in `failed`; ValueError naming the
        row whose tokens do not fit its text; and as `score`.
        """
        check_on_failure(on_failure, "mask")
        deadline = self._deadline(timeout)
        groups = await asyncio.to_thread(grouped, images, texts)
        words = [text for _, group in groups for text in group]
        candidates, spans = await asyncio.to_thread(
            token_candidates,
            words,
            each(offsets, texts, len(words)),
            each(ids, texts, len(words)),
            tokenizer,
        )
        hosting = await self._known_hosting(deadline)
        ask = partial(self._ask, judge, Want.TOKEN_REWARDS, deadline, regions=regions)
        verdicts = await ask(group_items(groups, candidates, hosting.limits.max_candidates))
        rows = by_row(verdicts)
        if again := failed_in_company(verdicts):
            images_of = [image for image, group in groups for _ in group]
            alone = [Item([images_of[row]], [candidates[row]]) for row in again]
            rows = replaced(rows, again, await ask(alone))
        return TokenRewards.of(rows, spans, regions=regions, on_failure=on_failure)

    async def step_rewards(
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
        """Return a reward for each step of each text, on its image: float32 `[batch, most steps]`.

        Images and texts pair as in `token_rewards`. Texts in a row over one image are judged as
        siblings, and fail together.
        spans: where the steps are, `[steps, 2]` UTF-8 bytes a text, which `byte_spans` makes of
            characters; None for the sentences that the judge finds.
        log_probs: `[steps]` a text, the policy's log-probability of each of `spans`, 0 or less.

        Raises as `token_rewards`; ItemFailed for spans that do not fit, too.
        """
        check_on_failure(on_failure, "mask")
        deadline = self._deadline(timeout)
        groups = await asyncio.to_thread(grouped, images, texts)
        words = [text for _, group in groups for text in group]
        candidates = step_candidates(
            words, each(spans, texts, len(words)), each(log_probs, texts, len(words))
        )
        items = group_items(groups, candidates)
        verdicts = await self._ask(judge, Want.STEP_REWARDS, deadline, items)
        return StepRewards.of(by_row(verdicts), on_failure=on_failure)

    async def _ask(
        self,
        judge: str | None,
        want: Want,
        deadline: Deadline,
        items: list[Item],
        *,
        regions: bool = False,
    ) -> Verdicts:
        verdicts: Verdicts = await self.judge(
            items,
            judges=judge,
            want=want,
            regions=regions,
            on_failure="nan",
            timeout=deadline.check(),
        )
        return verdicts
