"""One `Reward` a process for trainers that call a function with settings, sample by sample."""

from collections.abc import Mapping, Sequence
from threading import RLock
from typing import Any

from mmjudge.rl.mix import RewardMix
from mmjudge.rl.normalising import Normalisation
from mmjudge.rl.reward import TIMEOUT, OnFailedSample, Reward

_rewards: dict[str, Reward] = {}
_lock = RLock()


def shared_reward(
    address: str,
    judges: str | Mapping[str, float] | None = None,
    *,
    normalise: Mapping[str, Normalisation] | Normalisation = "none",
    criteria: str | Sequence[str] = (),
    timeout: float = TIMEOUT,
    on_failure: OnFailedSample = "raise",
    held_out: str | None = None,
    monitors: bool = False,
) -> Reward:
    """Return the process's `Reward` of these settings; the same settings, the same object.

    judges: a name, weights by name, or None for the server's only judge. The rest as `RewardMix`
    and `Reward`; raises as they do. Mappings may be of any kind, OmegaConf's too.
    """
    weights: Any = dict(judges) if isinstance(judges, Mapping) else judges
    if isinstance(weights, str):
        weights = {weights: 1.0}
    kinds: Any = dict(normalise) if isinstance(normalise, Mapping) else normalise
    words = criteria if isinstance(criteria, str) else list(criteria)
    key = repr((address, weights, kinds, words, timeout, on_failure, held_out, monitors))
    with _lock:
        if key not in _rewards:
            _rewards[key] = Reward(
                address,
                RewardMix(weights, kinds) if weights is not None else None,
                criteria=words,
                timeout=timeout,
                on_failure=on_failure,
                held_out=held_out,
                monitors=monitors,
            )
        return _rewards[key]
