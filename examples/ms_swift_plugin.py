"""A reward for ms-swift's GRPO, by the name "mmjudge".

    MMJUDGE_ADDRESS=127.0.0.1:50051 MMJUDGE_JUDGE=clip \
    swift rlhf --rlhf_type grpo --external_plugins examples/ms_swift_plugin.py \
        --reward_funcs mmjudge --model ... --dataset ...

Without MMJUDGE_JUDGE it asks the server's only judge.
"""

import os

from swift.rewards import orms

from mmjudge.rl import Reward
from mmjudge.rl.ms_swift import async_ms_swift_reward

orms["mmjudge"] = async_ms_swift_reward(
    Reward(
        os.environ.get("MMJUDGE_ADDRESS", "127.0.0.1:50051"),
        os.environ.get("MMJUDGE_JUDGE"),
    )
)
