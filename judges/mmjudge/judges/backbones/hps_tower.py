"""HPS v2: open_clip's ViT-H-14 with weights trained on human preferences, in their own file."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmjudge.judges.backbones.checkpoints import fit_state_dict, read_state_dict
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.hps_picture import MEAN, STD, hps_picture
from mmjudge.judges.backbones.model_files import FILE, ModelFile, ModelFiles
from mmjudge.judges.backbones.open_clip_tower import OpenClipTower
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.tower import Tower

REPOSITORY = "xswu/HPSv2"
FILES = {"v2.0": "HPS_v2_compressed.pt", "v2.1": "HPS_v2.1_compressed.pt"}
ARCHITECTURE = "ViT-H-14"
CONFIG = "open_clip_config.json"


def load_hps_tower(
    version: str, revision: str, sha256: str, device: torch.device, dtype: torch.dtype
) -> Tower:
    """Load HPS `version`: `v2.0` or `v2.1` from the hub, or the path of such a checkpoint.

    revision: a commit of the hub; empty for the one known here. sha256: what the file must have;
    empty for any. The architecture is ViT-H-14, or that of an `open_clip_config.json` beside a
    local file.

    Raises `BackboneUnavailable`: a file that is not there or is of another digest, or weights that
    do not fit the architecture.
    """
    (path, _), *beside = hps_files(version, revision, sha256)
    what = f"hps:{version}"
    state = read_state_dict(path, sha256=sha256)
    config = _read_config(beside[0].path) if beside else published_config()
    return hps_tower(state, config, what, device, dtype)


def hps_tower(
    state: Mapping[str, Tensor],
    config: Mapping[str, Any],
    what: str,
    device: torch.device,
    dtype: torch.dtype,
) -> Tower:
    """Weights in open_clip's names as a tower; `what` begins the error where they do not fit."""
    network = build_network(config, dtype)
    fit_state_dict(state, {key: one.shape for key, one in network.state_dict().items()}, what)
    # The published files may hold halves: upstream, too, runs them in float32.
    network.load_state_dict({key: one.float() for key, one in state.items()})
    from open_clip.model import convert_weights_to_lp
    from open_clip.tokenizer import SimpleTokenizer

    network.to(device)
    if dtype != torch.float32:
        convert_weights_to_lp(network, dtype)
    side = int(config["vision_cfg"]["image_size"])
    network.visual.preprocess_cfg = {
        "size": side,
        "mean": MEAN,
        "std": STD,
        "resize_mode": "longest side of the float tensor, bicubic, antialiased; padded with black",
    }
    tokenizer = SimpleTokenizer(context_length=int(config["text_cfg"]["context_length"]))
    return OpenClipTower(network, partial(hps_picture, side=side), tokenizer, config, device, dtype)


def build_network(config: Mapping[str, Any], dtype: torch.dtype = torch.float32) -> Any:
    """open_clip's CLIP of a `model_cfg`, with random weights in float32."""
    ensure_torchvision_schemas()
    import open_clip  # imports torchvision

    # What low precision casts to on the way; None leaves float32 alone.
    return open_clip.CLIP(**config, cast_dtype=None if dtype == torch.float32 else dtype)


def published_config() -> dict[str, Any]:
    """open_clip's `model_cfg` of the published checkpoints."""
    ensure_torchvision_schemas()
    import open_clip

    config: dict[str, Any] = open_clip.get_model_config(ARCHITECTURE)
    return config


def hps_files(version: str, revision: str, sha256: str) -> list[ModelFile]:
    """The checkpoint, fetched where needed, and the config beside it; as `load_hps_tower`."""
    if version in FILES:
        path = ModelFiles(REPOSITORY, revision, FILE).need(FILES[version])
        return [ModelFile(path, sha256)]
    path = Path(version)
    if not path.is_file():
        raise BackboneUnavailable(
            f"hps:{version}: expected {', '.join(FILES)} or the path of a checkpoint, and there is "
            "no such file"
        )
    if revision:
        raise BackboneUnavailable(f"hps:{version} at revision {revision}: a file has no revisions")
    config = path.with_name(CONFIG)
    return [ModelFile(path, sha256), *([ModelFile(config)] if config.is_file() else [])]


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))["model_cfg"]
        complete = {"embed_dim", "vision_cfg", "text_cfg"} <= set(config)
    except (KeyError, TypeError, ValueError):
        complete = False
    if not complete:
        raise BackboneUnavailable(
            f"{path}: expected JSON with a model_cfg of embed_dim, vision_cfg and text_cfg"
        )
    return dict(config)
