"""Rewards for RL trainers from an mmjudge server; importing it imports no torch and no trainer.

    reward = Reward("127.0.0.1:50051", "clip")
    batch = reward.score_texts(prompts, completions, images)   # or score_images(images, prompts)

`batch.values` are float32 `[n]`, in the order of the samples. A sample that could not be judged
raises; no number is ever made up. `RewardMix` weighs several judges, `HeldOut` watches for reward
hacking with another one. The adapters call it as each trainer calls its reward functions; they are
modules of this package by the trainers' names.
"""

from mmjudge.rl.batches import Failure, RewardBatch
from mmjudge.rl.held_out import HeldOut
from mmjudge.rl.images import to_images
from mmjudge.rl.mix import RewardMix
from mmjudge.rl.normalising import Normalisation
from mmjudge.rl.reward import OnFailedSample, Reward
from mmjudge.rl.samples import Sample, image_samples, text_samples
from mmjudge.rl.shared import shared_reward

__all__ = [
    "Failure",
    "HeldOut",
    "Normalisation",
    "OnFailedSample",
    "Reward",
    "RewardBatch",
    "RewardMix",
    "Sample",
    "image_samples",
    "shared_reward",
    "text_samples",
    "to_images",
]
