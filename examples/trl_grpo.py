"""GRPO with TRL on a CPU: a tiny policy learns to caption photographs from a judge's rewards.

    pip install mmjudge[server] trl matplotlib
    python examples/trl_grpo.py [--address HOST:PORT] [--steps 120] [--output trl_grpo.png]

The policy is a Llama of 60 thousand random weights over the words of the example captions. It does
not see a photograph, only its name: what a picture shows it finds out from the reward alone, which
photo-lite gives to its four words and the photograph. Without --address the script starts a server
of its own. It plots the reward, and what gives its exploits away.
"""

import argparse
import json
import re
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from mmjudge.cli.server_process import own_server
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.rl import Reward
from mmjudge.rl.trl import TrlReward

# A torchvision without its compiled half, as on some CPUs, would keep transformers from loading.
ensure_torchvision_schemas()

import torch  # noqa: E402
from datasets import Dataset  # noqa: E402
from tokenizers import Tokenizer, models, pre_tokenizers  # noqa: E402
from transformers import (  # noqa: E402
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    ProgressCallback,
    TrainerCallback,
)
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

PHOTOS = Path(__file__).parent / "photos"
LENGTH, GROUP = 4, 8


class PrintReward(TrainerCallback):
    """A line every ten steps."""

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Print the step's reward."""
        if "reward" in logs and state.global_step % 10 == 0:
            print(f"step {state.global_step:4}  reward {logs['reward']:.3f}", flush=True)


def words_of(texts: list[str]) -> list[str]:
    """The words of `texts`, each once, in order of the alphabet."""
    return sorted({word for text in texts for word in re.findall(r"\w+", text.lower())})


def tiny_policy(names: list[str], words: list[str]) -> tuple[Any, Any]:
    """A random Llama, and a tokenizer of whole words, the photographs' names among them."""
    vocabulary = ["<pad>", "<eos>", "<unk>", *names, *words]
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(vocabulary)}, "<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )
    config = LlamaConfig(
        vocab_size=len(vocabulary),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=16,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    torch.manual_seed(0)
    return LlamaForCausalLM(config), tokenizer


def train(reward: Reward, captions: list[dict[str, Any]], steps: int, folder: str) -> Any:
    """Train for so many steps: all photographs, and a group of captions for each, in every one."""
    names = [f"<{entry['file']}>" for entry in captions]
    words = words_of([text for e in captions for text in [e["caption"], *e["near_misses"]]])
    model, tokenizer = tiny_policy(names, words)
    rows = [
        # Not "image": TRL would put a column of that name before the policy.
        {"prompt": name, "photo": str(PHOTOS / entry["file"])}
        for name, entry in zip(names, captions, strict=True)
    ]
    config = GRPOConfig(
        output_dir=folder,
        max_steps=steps,
        per_device_train_batch_size=len(rows) * GROUP,
        num_generations=GROUP,
        max_completion_length=LENGTH,
        # Four words each time: no end, no padding, no names of photographs.
        generation_kwargs={
            "min_new_tokens": LENGTH,
            "suppress_tokens": list(range(3 + len(names))),
        },
        gradient_checkpointing=False,
        learning_rate=1e-2,
        lr_scheduler_type="constant",
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        use_cpu=True,
        bf16=False,
        seed=0,
    )
    trainer = GRPOTrainer(
        model=model,
        processing_class=tokenizer,
        reward_funcs=TrlReward(reward, images="photo"),
        args=config,
        train_dataset=Dataset.from_list(rows),
        callbacks=[PrintReward()],
    )
    trainer.remove_callback(ProgressCallback)
    trainer.train()
    return trainer


def captions_learnt(trainer: Any, captions: list[dict[str, Any]]) -> list[str]:
    """The likeliest words for each photograph, in its turn."""
    ids = trainer.processing_class(
        [f"<{entry['file']}>" for entry in captions], return_tensors="pt"
    ).input_ids
    options = trainer.args.generation_kwargs
    found = trainer.model.eval().generate(ids, do_sample=False, max_new_tokens=LENGTH, **options)
    return trainer.processing_class.batch_decode(found[:, ids.shape[1] :])


def plot(history: list[dict[str, float]], human: float, unrelated: float, output: Path) -> None:
    """The reward by step between what people's captions get, and the monitors beside it."""
    steps = np.arange(1, len(history) + 1)
    mean, spread = (np.array([row[key] for row in history]) for key in ("reward", "reward_std"))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    left.plot(steps, mean, color="#1f5fa8", label="policy, mean of 64 captions a step")
    left.fill_between(steps, mean - spread, mean + spread, color="#1f5fa8", alpha=0.15, lw=0)
    for value, label, style in (
        (human, "a person's caption of the photograph", "--"),
        (unrelated, "a person's caption of another one", ":"),
    ):
        left.axhline(value, color="black", linewidth=1, linestyle=style, label=label)
    left.set(xlabel="step", ylabel="reward (cosine by photo-lite)", title="The reward rises")
    left.legend(loc="lower right", fontsize=8, frameon=False)
    for key, label, colour in (
        ("mmjudge/text/repetition", "repetition within a caption", "#c2410c"),
        ("mmjudge/text/near_duplicates", "near duplicates among the 64", "#6b7280"),
    ):
        right.plot(steps, [row[key] for row in history], color=colour, label=label)
    right.set(xlabel="step", ylabel="share", title="What the monitors say of it", ylim=(0, 1.02))
    right.legend(fontsize=8, frameon=False)
    for panel in (left, right):
        panel.spines[["top", "right"]].set_visible(False)
    figure.savefig(output, dpi=130)


def main() -> None:
    """Parse the command line, train, print the captions learnt and plot."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--address", help="a running server; otherwise one is started")
    parser.add_argument("--judge", default="photo-lite")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--output", type=Path, default=Path("trl_grpo.png"))
    options = parser.parse_args()
    captions = json.loads((PHOTOS / "captions.json").read_text(encoding="utf-8"))
    files = [str(PHOTOS / entry["file"]) for entry in captions]
    texts = [entry["caption"] for entry in captions]
    running = nullcontext(options.address) if options.address else own_server()
    with running as address, tempfile.TemporaryDirectory() as folder:
        reward = Reward(address, options.judge)
        human = reward.score_texts(None, texts, files).values.mean()
        unrelated = reward.score_texts(None, texts[1:] + texts[:1], files).values.mean()
        trainer = train(reward, captions, options.steps, folder)
        reward.close()
    history = [row for row in trainer.state.log_history if "reward" in row]
    plot(history, float(human), float(unrelated), options.output)
    first, last = (np.mean([row["reward"] for row in part]) for part in (history[:5], history[-5:]))
    print(f"reward {first:.3f} in the first 5 steps, {last:.3f} in the last 5")
    print(f"a person's captions: {human:.3f} of their photograph, {unrelated:.3f} of another")
    for entry, caption in zip(captions, captions_learnt(trainer, captions), strict=True):
        print(f"{entry['file']:24} {caption}")


if __name__ == "__main__":
    main()
