"""Dual encoders of transformers: CLIP, SigLIP and SigLIP 2, from a hub or a folder."""

from pathlib import Path

import torch

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.backbones.transformers_architectures import ClipTower, SiglipTower
from mmjudge.judges.backbones.transformers_errors import reported
from mmjudge.judges.backbones.transformers_files import NEEDED, fetch_transformers
from mmjudge.judges.backbones.transformers_text import PlainTokenizer

ARCHITECTURES = {"clip": "CLIPModel", "siglip": "SiglipModel", "siglip2": "Siglip2Model"}


def load_transformers_tower(
    name: str, revision: str, device: torch.device, dtype: torch.dtype, processor: str = ""
) -> Tower:
    """Load `name`, a hub's ORG/NAME or a folder, from safetensors and without remote code.

    `revision` is a commit, branch or tag of a hub model; empty for a known commit or its newest.
    `processor` says where image processor and tokenizer are, ORG/NAME, ORG/NAME@COMMIT or a folder;
    empty for where the model was published to take them from, in general beside the weights.

    Raises `BackboneUnavailable`: a hub that does not answer, files missing, an architecture other
    than `ARCHITECTURES`, weights missing or left over, image sizes that disagree.
    """
    ensure_torchvision_schemas()
    import transformers  # imports torchvision where that is installed

    what = f"transformers:{name} at revision {revision}" if revision else f"transformers:{name}"
    fetched = fetch_transformers(name, revision, processor)
    with reported(what):
        architecture = _architecture(name, fetched.model)
        # float32 first, so that the logit scale is exact whatever the dtype.
        network, report = getattr(transformers, architecture).from_pretrained(
            fetched.model,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="sdpa",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below by name
        )
    with reported(f"processor {processor} of {what}" if processor else what, f"; {NEEDED}"):
        pictures = transformers.AutoImageProcessor.from_pretrained(
            fetched.processing, backend="pil", trust_remote_code=False
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            fetched.processing, trust_remote_code=False
        )
    for fault in ("missing", "unexpected", "mismatched"):
        if keys := sorted(str(key) for key in report[f"{fault}_keys"]):
            raise BackboneUnavailable(
                f"{what}: {len(keys)} {fault} weights for {architecture}, such as "
                f"{', '.join(keys[:10])}"
            )
    kind = ClipTower if architecture == "CLIPModel" else SiglipTower
    return kind(network, pictures, PlainTokenizer(tokenizer), device, dtype)


def _architecture(name: str, folder: Path) -> str:
    from transformers import PreTrainedConfig

    config, _ = PreTrainedConfig.get_config_dict(folder)
    expected = ARCHITECTURES.get(config.get("model_type", ""))
    found = config.get("architectures") or [expected]
    if expected is None or expected not in found:
        what = config.get("architectures") or [config.get("model_type", "none")]
        raise BackboneUnavailable(
            f"transformers:{name} is {', '.join(what)}; supported are "
            f"{', '.join(ARCHITECTURES.values())}"
        )
    return expected
