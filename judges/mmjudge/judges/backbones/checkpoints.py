"""Checkpoint files: read without running their code, and held against the model they go into."""

import pickle
import struct
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.file_digests import check_sha256

PICKLES = (".pt", ".pth", ".bin")
WRAPPERS = ("state_dict", "model")
# What comes of unpickling bytes that are none, or not all, of a checkpoint.
DAMAGE = (
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)
NAMED = 10  # keys that an error names of each fault


def read_state_dict(path: Path, *, sha256: str = "") -> dict[str, Tensor]:
    """Tensors of a checkpoint by name, on the CPU, in the dtypes they are stored in.

    path: `.safetensors`, or a pickle (`.pt`, `.pth`, `.bin`) of nothing but tensors, flat or under
    `state_dict` or `model`, beside which other entries are ignored.
    sha256: hexadecimal digest that the file must have; empty for any.

    Raises `BackboneUnavailable`: no such file, another digest or suffix, a damaged file, a pickle
    that needs code to be run, no tensors or something else among them.
    """
    if not path.is_file():
        raise BackboneUnavailable(f"{path}: no such file")
    if sha256:
        check_sha256(path, sha256)
    if path.suffix == ".safetensors":
        try:
            return safetensors.torch.load_file(path)
        except (OSError, SafetensorError) as error:
            raise BackboneUnavailable(f"{path}: no whole safetensors file ({error})") from error
    if path.suffix not in PICKLES:
        raise BackboneUnavailable(
            f"{path}: expected a checkpoint called .safetensors, {', '.join(PICKLES)}"
        )
    return _tensors(_unpickle(path), path)


def fit_state_dict(
    state: Mapping[str, Tensor],
    expected: Mapping[str, torch.Size | tuple[int, ...]],
    what: str,
) -> None:
    """Check that `state` has exactly the keys and shapes of `expected`.

    Raises `BackboneUnavailable` that begins with `what`, names the first ten keys that are missing,
    unexpected or misshapen, and says which kind of checkpoint has such keys.
    """
    missing = [key for key in expected if key not in state]
    unexpected = [key for key in state if key not in expected]
    misshapen = [
        f"{key} {list(state[key].shape)} instead of {list(shape)}"
        for key, shape in expected.items()
        if key in state and tuple(state[key].shape) != tuple(shape)
    ]
    faults = {"missing": missing, "unexpected": unexpected, "misshapen": misshapen}
    told = [_first(keys, fault) for fault, keys in faults.items() if keys]
    if told:
        raise BackboneUnavailable(f"{what}: {'; '.join(told)}; {likely_kind(state)}")


def likely_kind(state: Collection[str]) -> str:
    """A clause that says whose checkpoint has keys like these, as far as they tell."""
    for kind, has_its_keys in KINDS.items():
        if has_its_keys(state):
            return f"this looks like {kind} checkpoint"
    return "no kind of checkpoint known here has such keys"


def _some(*starts: str) -> Callable[[Collection[str]], bool]:
    """Whether for each of `starts` some key begins with it."""
    return lambda keys: all(any(key.startswith(start) for key in keys) for start in starts)


def _all(*starts: str) -> Callable[[Collection[str]], bool]:
    """Whether there are keys, and every one begins with one of `starts`."""
    return lambda keys: bool(keys) and all(key.startswith(starts) for key in keys)


# Keys of what is published, the most particular first.
KINDS: dict[str, Callable[[Collection[str]], bool]] = {
    "an ImageReward": _some("blip.visual_encoder.", "mlp.layers."),
    "a BLIP image-text matching (transformers)": _some("vision_model.", "text_encoder.encoder."),
    "a BLIP (Salesforce's own layout)": _some("visual_encoder.blocks.", "text_encoder.encoder."),
    "a BLIP (transformers, for captions or questions)": _some("vision_model.", "text_decoder."),
    "an aesthetic predictor's, tower and head,": lambda keys: (
        _some("vision_model.")(keys) and (_some("layers.")(keys) or _some("predictor.")(keys))
    ),
    "a CLIP (transformers: PickScore and other CLIPModels)": _some(
        "vision_model.encoder.", "text_model.encoder."
    ),
    "a CLIP (open_clip and OpenAI's layout: HPS v2 and others)": _some(
        "visual.", "transformer.resblocks."
    ),
    "an aesthetic head": _all("weight", "bias", "layers."),
    "a training run's, with all keys under `module.`: save the unwrapped model;": _all("module."),
}


def _first(keys: list[str], fault: str) -> str:
    such_as = ", such as" if len(keys) > NAMED else ":"
    return f"{len(keys)} {fault}{such_as} {', '.join(keys[:NAMED])}"


def _unpickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        # torch goes on about switching the check off, which is the very thing not to do.
        lines = [line for line in str(error).splitlines() if "weights_only" not in line]
        reason = " ".join(lines).strip().removeprefix("WeightsUnpickler error: ")
        raise BackboneUnavailable(
            f"{path}: a pickle of more than tensors is not opened, since that can run code "
            f"({_line(reason)}); convert it to safetensors where you trust it"
        ) from error
    except DAMAGE as error:
        raise BackboneUnavailable(f"{path}: no whole checkpoint ({_line(str(error))})") from error


def _tensors(stored: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(stored, Mapping):
        inner = (stored[name] for name in WRAPPERS if isinstance(stored.get(name), Mapping))
        stored = next(inner, stored)
    if not isinstance(stored, Mapping) or not stored:
        raise BackboneUnavailable(
            f"{path}: holds {_kind(stored)}, expected tensors by name, or those under "
            f"{' or '.join(map(repr, WRAPPERS))}"
        )
    others = {
        key: value
        for key, value in stored.items()
        if not (isinstance(key, str) and isinstance(value, Tensor))
    }
    if others:
        named = ", ".join(f"{key!r} ({_kind(value)})" for key, value in islice(others.items(), 5))
        raise BackboneUnavailable(
            f"{path}: expected nothing but tensors by name, or those under "
            f"{' or '.join(map(repr, WRAPPERS))}; found {named}"
        )
    return {key: value.detach() for key, value in stored.items()}


def _kind(value: Any) -> str:
    return "nothing" if value in ({}, None) else f"a {type(value).__name__}"


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
