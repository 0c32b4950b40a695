"""A vision-language model of transformers on its device: batches of conversations go through it."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from mmjudge.judges.backbones.gumbel_draws import GumbelDraws
from mmjudge.judges.backbones.left_padding import left_padded

Row = Mapping[str, Tensor]


class GeneratorNetwork:
    """Logits and answers of processed conversations, padded on the left.

    ends: ids that end an answer.
    """

    def __init__(self, network: Any, device: torch.device, ends: Sequence[int], pad_id: int):
        """Take over an AutoModelForImageTextToText, in the dtype it is to run in."""
        from transformers import GenerationConfig

        self.network = network.requires_grad_(False).to(device).eval()
        # Where a call leaves something open, transformers asks the model's own rules of sampling.
        network.generation_config = GenerationConfig()
        self.device, self.ends, self._pad_id = device, tuple(ends), pad_id
        self._own_positions = hasattr(network.model, "get_rope_index")

    @torch.inference_mode()
    def continuations(
        self, rows: Sequence[Row], limits: Sequence[int], draws: GumbelDraws | None
    ) -> list[list[int]]:
        """New tokens of each row, up to its own limit, an end token included where one came."""
        from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

        batch = self._batch(rows)
        start = batch["input_ids"].shape[1]
        rules = GenerationConfig(
            do_sample=False,
            num_beams=1,
            use_cache=True,
            max_new_tokens=max(limits),
            eos_token_id=list(self.ends),
            pad_token_id=self._pad_id,
        )
        made = self.network.generate(
            **batch,
            generation_config=rules,
            logits_processor=LogitsProcessorList([draws] if draws else []),
            stopping_criteria=StoppingCriteriaList([_RowLimits(start, limits)]),
        )
        found = made[:, start:].tolist()
        return [self._cut(row[:limit]) for row, limit in zip(found, limits, strict=True)]

    @torch.inference_mode()
    def logits(self, rows: Sequence[Row], last: int) -> Tensor:
        """Logits float32 `[rows, last, vocabulary]` after each row's last tokens."""
        batch = self._batch(rows)
        if not (self._own_positions and "image_grid_thw" in batch):
            mask = batch["attention_mask"]
            batch["position_ids"] = (mask.long().cumsum(-1) - 1).masked_fill(mask == 0, 0)
        outputs = self.network(**batch, use_cache=False, logits_to_keep=last)
        logits: Tensor = outputs.logits.float()
        return logits

    def _batch(self, rows: Sequence[Row]) -> dict[str, Tensor]:
        batch = left_padded(rows, self._pad_id)
        return {
            name: tensor.to(self.device, self.network.dtype if tensor.is_floating_point() else None)
            for name, tensor in batch.items()
        }

    def _cut(self, ids: list[int]) -> list[int]:
        at = next((index for index, number in enumerate(ids) if number in self.ends), len(ids))
        return ids[: at + 1]


class _RowLimits:
    """Ends each row at its own number of new tokens."""

    def __init__(self, start: int, limits: Sequence[int]) -> None:
        self._last = torch.tensor([start + limit for limit in limits])

    def __call__(self, input_ids: Tensor, scores: Any, **kwargs: Any) -> Tensor:
        self._last = self._last.to(input_ids.device)
        return input_ids.shape[1] >= self._last
