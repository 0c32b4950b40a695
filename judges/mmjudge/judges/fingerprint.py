"""Fingerprints: digests of all that can change a score, and of nothing else."""

import json
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version

import torch


def fingerprint(provenance: Mapping[str, str]) -> str:
    """SHA-256 of the provenance, in hexadecimal: equal provenance, equal fingerprint."""
    return sha256(json.dumps(dict(provenance), sort_keys=True).encode()).hexdigest()


def weights_digest(weights: Mapping[str, torch.nn.Module | torch.Tensor]) -> str:
    """SHA-256 of every parameter and buffer by name, dtype, shape and bits, on any device."""
    digest = sha256()
    for part in sorted(weights):
        module = weights[part]
        state = {"": module} if isinstance(module, torch.Tensor) else module.state_dict()
        for name in sorted(state):
            tensor = state[name].detach().cpu().contiguous()
            digest.update(f"{part}.{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


@cache
def code_version(*libraries: str) -> str:
    """Versions of this package and of the libraries whose arithmetic is part of a score."""
    return " ".join(f"{name} {version(name)}" for name in ("mmjudge", *libraries))
