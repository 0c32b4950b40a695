"""Rewards as OpenRLHF's Python function; contract read from OpenRLHF 0.11, never run with it.

In the file given to `--reward.remote_url` (before 0.10: `--remote_rm_url`):

    reward_func = openrlhf.reward_func(Reward("127.0.0.1:50051", "clip"))

OpenRLHF calls `reward_func(queries, prompts, labels)` in a thread, with lists of one element: the
decoded prompt and response with their special tokens, the prompt, the label. It takes "rewards",
"scores" and "extra_logs" with tensors `[1]`. Up to 0.11.0 an exception here is only logged, as
"Failed to fetch reward", and the sample goes on without a reward, not with a number; later code
lets it end the run. No image is passed, so the label has to name it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from mmjudge.rl.named_images import named_image
from mmjudge.rl.reward import Reward

END_TOKENS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<end_of_turn>", "<eos>", "</s>")
"""What ends a response in the chat formats of the common model families."""


def reward_func(
    reward: Reward,
    *,
    image: str = "image",
    response_after: str | None = None,
    end_tokens: Sequence[str] = END_TOKENS,
) -> Callable[..., dict[str, Any]]:
    """Return the function that OpenRLHF calls.

    image: what holds the image's path in a label that is a JSON object; one that is no object is
        the path itself.
    response_after: what the response comes after, at its last place in the query, such as
        "<|im_start|>assistant\\n"; None for the whole prompt. Needed where a query does not begin
        with its prompt: the prompt was cut to fit, or has images, whose places are filled.
    end_tokens: special tokens cut off the response's end.
    Its answer has the reward as float32 tensors `[n]`, and "mmjudge_JUDGE" in "extra_logs"; raises
    as `Reward.score_texts`, and ValueError for a query without its response.
    ValueError for `on_failure="mask"`.
    """
    reward.refuse_masking("OpenRLHF")

    def score(
        queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **options: Any
    ) -> dict[str, Any]:
        import torch

        responses = [
            _without(end_tokens, _response(query, prompt, response_after))
            for query, prompt in zip(queries, prompts, strict=True)
        ]
        images = [
            named_image(label, image, f"label of sample {i}") for i, label in enumerate(labels)
        ]
        batch = reward.score_texts(None, responses, images)
        rewards = torch.tensor(batch.floats(), dtype=torch.float32)
        parts = {f"mmjudge_{judge}": torch.tensor(part) for judge, part in batch.parts.items()}
        return {"rewards": rewards, "scores": rewards, "extra_logs": parts}

    return score


def _response(query: str, prompt: str, after: str | None) -> str:
    # A tokenizer may put its first special token before the prompt.
    _, found, response = query.partition(prompt) if after is None else query.rpartition(after)
    if not found:
        wanted = "its prompt" if after is None else repr(after)
        raise ValueError(
            f"the query {query[:60]!r} does not hold {wanted}: name what a response comes after, "
            "such as response_after='<|im_start|>assistant\\n'"
        )
    return response


def _without(end_tokens: Sequence[str], response: str) -> str:
    cut = response.rstrip()
    for token in end_tokens:
        cut = cut.removesuffix(token)
    return response if cut == response.rstrip() else cut.rstrip()
