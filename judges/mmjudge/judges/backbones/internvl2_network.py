"""InternVL2 as transformers' own network, filled with checked weights."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.internvl2_checkpoint import native_state


def empty_network(config: Any) -> Any:
    """`InternVLForConditionalGeneration` of an `InternVLConfig`, on the meta device.

    Raises `BackboneUnavailable` for a config whose numbers do not go together.
    """
    from transformers import InternVLForConditionalGeneration

    try:
        with torch.device("meta"):
            return InternVLForConditionalGeneration(config)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BackboneUnavailable(
            f"no InternVL2 can be built of its configuration: {type(error).__name__}: {reason}"
        ) from error


def fill_network(network: Any, state: Mapping[str, Tensor], dtype: torch.dtype, what: str) -> Any:
    """Give `network` the published weights as `dtype`, and return it ready to compute.

    Raises `BackboneUnavailable` as `native_state` does.
    """
    shapes = {name: weight.shape for name, weight in network.state_dict().items()}
    network.load_state_dict(native_state(state, shapes, dtype, what), assign=True)
    # Its buffers are no weights, and stay float32 in every dtype.
    language = network.model.language_model
    language.rotary_emb = type(language.rotary_emb)(config=language.config)
    return network.eval()
