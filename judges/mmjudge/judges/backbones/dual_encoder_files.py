"""What a dual encoder is loaded from."""

from pathlib import Path

from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig, scheme_of
from mmjudge.judges.backbones.model_files import ModelFile


def dual_encoder_files(config: DualEncoderConfig) -> list[ModelFile]:
    """Fetch the files that `load_dual_encoder` reads; none for the embedded photo-lite.

    Raises `BackboneUnavailable` when one cannot be had, with the fix.
    """
    scheme, rest = scheme_of(config)
    if config.model == "photo-lite":
        return []
    if scheme == "hps":
        from mmjudge.judges.backbones.hps_tower import hps_files

        return hps_files(rest, config.revision, config.sha256)
    paths: list[Path]
    if scheme == "transformers":
        from mmjudge.judges.backbones.transformers_files import fetch_transformers

        paths = fetch_transformers(rest, config.revision, config.processor).files
    else:
        from mmjudge.judges.backbones.open_clip_files import fetch_open_clip
        from mmjudge.judges.backbones.open_clip_source import find_open_clip
        from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas

        ensure_torchvision_schemas()  # open_clip imports torchvision
        paths = fetch_open_clip(*find_open_clip(config.model, config.revision))
    return [ModelFile(path) for path in paths]
