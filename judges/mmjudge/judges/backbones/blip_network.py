"""BLIP's image encoder and text encoder with cross-attention, filled with checked weights."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from mmjudge.judges.backbones.checkpoints import fit_state_dict
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

# A buffer that older versions saved with the weights; it counts from 0 up.
POSITIONS = "text_encoder.embeddings.position_ids"
# Where a config was read from and by which version; neither changes a score.
ORIGIN = ("_name_or_path", "transformers_version", "dtype", "torch_dtype", "_commit_hash")


def architecture(settings: Mapping[str, Any]) -> Any:
    """transformers' `BlipConfig` of what a config.json says; raises `BackboneUnavailable`."""
    ensure_torchvision_schemas()
    from transformers import BlipConfig

    try:
        return BlipConfig.from_dict(dict(settings))
    except (KeyError, StrictDataclassError, TypeError, ValueError) as error:
        raise _unbuildable(error) from error


def empty_network(config: Any, head: nn.Module | None = None) -> Any:
    """transformers' `BlipForImageTextRetrieval` of a `BlipConfig`, on the meta device.

    `head` takes the place of its `itm_head`. Raises `BackboneUnavailable` for a config whose
    numbers do not go together.
    """
    from transformers import BlipForImageTextRetrieval

    try:
        with torch.device("meta"):
            network: Any = BlipForImageTextRetrieval(config)
    except (KeyError, TypeError, ValueError) as error:
        raise _unbuildable(error) from error
    if head is not None:
        network.itm_head = head.to("meta")
    return network


def fill_network(
    network: Any, state: Mapping[str, Tensor], names: Mapping[str, str], what: str
) -> Any:
    """Give `network` the weights of `state` as float32, and return it ready to compute.

    `names` maps each name of the network's weights to the name that `state` has for it.

    Raises `BackboneUnavailable` as `fit_state_dict` does, in the names of `state`.
    """
    shapes = {names[name]: weight.shape for name, weight in network.state_dict().items()}
    fit_state_dict(state, shapes, what)
    # Contiguous, because a stored tensor may be a view that repeats its numbers.
    filled = {name: state[stored].float().contiguous() for name, stored in names.items()}
    network.load_state_dict(filled, assign=True)
    embeddings = network.text_encoder.embeddings
    embeddings.position_ids = torch.arange(embeddings.position_ids.shape[-1]).expand(1, -1)
    return network.requires_grad_(False).eval()


def architecture_digest(config: Any) -> str:
    """Digest of a config without what says where it came from, at any depth."""

    def kept(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: kept(value[key]) for key in value if key not in ORIGIN}
        return value

    line = json.dumps(kept(config.to_dict()), sort_keys=True)
    return hashlib.sha256(line.encode()).hexdigest()[:16]


def _unbuildable(error: Exception) -> BackboneUnavailable:
    reason = " ".join(str(error).split())[:300]
    return BackboneUnavailable(
        f"no BLIP can be built of its configuration: {type(error).__name__}: {reason}"
    )
