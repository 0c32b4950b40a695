"""Dual encoders of transformers: CLIP, SigLIP and SigLIP 2, from a hub or a folder."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.published import PROCESSORS, commit_of
from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas
from mmjudge.judges.backbones.tower import Tower
from mmjudge.judges.backbones.transformers_architectures import ClipTower, SiglipTower
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
    if revision and Path(name).is_dir():
        raise BackboneUnavailable(f"{what}: a folder has no revisions")
    source = _source(name, revision)
    processor = processor or PROCESSORS.get(name, "")
    reader, read_from = _elsewhere(processor) if processor else (name, source)
    with _reported(what):
        architecture = _architecture(name, source)
        # float32 first, so that the logit scale is exact whatever the dtype.
        network, report = getattr(transformers, architecture).from_pretrained(
            name,
            **source,
            use_safetensors=True,
            dtype=torch.float32,
            attn_implementation="sdpa",
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are reported, and refused below by name
        )
    needed = "; a model without these files needs a processor, whose files it was trained with"
    with _reported(f"processor {processor} of {what}" if processor else what, needed):
        pictures = transformers.AutoImageProcessor.from_pretrained(
            reader, **read_from, backend="pil", trust_remote_code=False
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            reader, **read_from, trust_remote_code=False
        )
    for fault in ("missing", "unexpected", "mismatched"):
        if keys := sorted(str(key) for key in report[f"{fault}_keys"]):
            raise BackboneUnavailable(
                f"{what}: {len(keys)} {fault} weights for {architecture}, such as "
                f"{', '.join(keys[:10])}"
            )
    kind = ClipTower if architecture == "CLIPModel" else SiglipTower
    return kind(network, pictures, PlainTokenizer(tokenizer), device, dtype)


def _source(name: str, revision: str) -> dict[str, str]:
    commit = "" if Path(name).is_dir() else commit_of(name, revision)
    return {"revision": commit} if commit else {}


def _elsewhere(processor: str) -> tuple[str, dict[str, str]]:
    if Path(processor).is_dir():
        return processor, {}
    name, _, revision = processor.partition("@")
    return name, _source(name, revision)


def _architecture(name: str, source: Mapping[str, str]) -> str:
    from transformers import PreTrainedConfig

    config, _ = PreTrainedConfig.get_config_dict(name, **source)
    if not config:
        raise BackboneUnavailable(f"transformers:{name}: no config.json in that folder")
    expected = ARCHITECTURES.get(config.get("model_type", ""))
    found = config.get("architectures") or [expected]
    if expected is None or expected not in found:
        what = config.get("architectures") or [config.get("model_type", "none")]
        raise BackboneUnavailable(
            f"transformers:{name} is {', '.join(what)}; supported are "
            f"{', '.join(ARCHITECTURES.values())}"
        )
    return expected


@contextmanager
def _reported(what: str, hint: str = "") -> Iterator[None]:
    """Whatever transformers raises for files it cannot have or use, as `BackboneUnavailable`."""
    try:
        with _quiet():
            yield
    except BackboneUnavailable:
        raise  # a RuntimeError that already says the fix
    except (
        ImportError,
        KeyError,
        OSError,
        RuntimeError,
        SafetensorError,
        TypeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:600]
        raise BackboneUnavailable(
            f"{what}: {type(error).__name__}: {reason}; transformers:PATH, "
            f"local-dir:PATH and photo-lite need no model hub{hint}"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without progress bars and warnings: what matters of them is raised as an error."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        if bars:
            logging.enable_progress_bar()
        logging.set_verbosity(verbosity)
