"""LAION's aesthetic heads: a few linear layers from a CLIP image embedding to a rating."""

import re
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mmjudge.judges.backbones.checkpoints import fit_state_dict, read_state_dict
from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.model_files import FILE, ModelFile, ModelFiles, fetch_url
from mmjudge.judges.fingerprint import weights_digest

V1 = "LAION-AI/aesthetic-predictor/6d122adad522ab246644d9dc1c6d7a3810ee255f"
V2 = "christophschuhmann/improved-aesthetic-predictor/6934dd81792f086e613a121dbce43082cb8be85e"


class _Published(NamedTuple):
    """Where on GitHub a head is, and the SHA-256 of its file."""

    source: str
    sha256: str


PUBLISHED = {
    "sac+logos+ava1-l14-linearMSE": _Published(
        V2, "21dd590f3ccdc646f0d53120778b296013b096a035a2718c9cb0d511bff0f1e0"
    ),
    "ava+logos-l14-linearMSE": _Published(
        V2, "390a3aafaf3b37d57148f9b22f30556de38343064b7d915acfa80d3812b4c9ff"
    ),
    "ava+logos-l14-reluMSE": _Published(
        V2, "0af3254c651d55b7ea851429c20f26ec880bb0169805a4df85b814bd7966f3e4"
    ),
    "sa_0_4_vit_l_14_linear": _Published(
        V1, "2cd4e60f4f24ae3bcd57b847b13c1f3ba27edc28cc1a7f9ce74ee9f421243cba"
    ),
    "sa_0_4_vit_b_16_linear": _Published(
        V1, "8ad3923d7ecf019df20ecd2ab5542a3075fbba0278d239c0371345f3d7fcbde0"
    ),
    "sa_0_4_vit_b_32_linear": _Published(
        V1, "c7b14cead230694acc7b9447974d3cad78003c72da032e402a303b6c2429e85f"
    ),
}
# Version 2 has five layers. They are numbered with what stood between them in training: dropout
# alone, which does nothing now, or ReLU and dropout, of which ReLU stays.
WIDTHS = (1024, 128, 64, 16, 1)
LINEAR, RELU = (0, 2, 4, 6, 7), (0, 3, 6, 9, 11)

Layer = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Weight `[out, in]` and bias `[out]`."""


class AestheticHead:
    """Layers over a unit embedding `[dim]`, with ReLU between them if they were trained so."""

    def __init__(self, state: Mapping[str, Tensor], dim: int, what: str) -> None:
        """Take a head's weights: `weight` and `bias` of version 1, or `layers.N.*` of version 2.

        Raises `BackboneUnavailable`, beginning with `what`, for other keys or for shapes that do
        not take `dim` numbers.
        """
        prefixes = [""] if set(state) <= {"weight", "bias"} else _prefixes(state)
        sizes = [dim, *([1] if len(prefixes) == 1 else WIDTHS)]
        expected: dict[str, tuple[int, ...]] = {}
        for prefix, width, out in zip(prefixes, sizes, sizes[1:], strict=False):
            expected |= {f"{prefix}weight": (out, width), f"{prefix}bias": (out,)}
        fit_state_dict(state, expected, f"{what} over embeddings of {dim} numbers")
        layers = [
            (state[f"{prefix}weight"].double().numpy(), state[f"{prefix}bias"].double().numpy())
            for prefix in prefixes
        ]
        self.relu = prefixes == _named(RELU)
        # Linear maps in a row are one linear map.
        self._layers = layers if self.relu else [reduce(_after, layers)]
        self.digest = weights_digest(dict(state))

    def rate(self, embedding: NDArray[np.float32]) -> float:
        """The rating of a unit embedding, float32 `[dim]`, computed in float64."""
        values = embedding.astype(np.float64)
        for index, (weight, bias) in enumerate(self._layers):
            values = weight @ (np.maximum(values, 0.0) if index else values) + bias
        return float(values[0])


def load_aesthetic_head(name: str, sha256: str, dim: int) -> AestheticHead:
    """Load a head: a name of `PUBLISHED`, `hf-hub:ORG/NAME/FILE`, or the path of a file.

    `sha256` is what the file must have, empty for any; published ones are always checked.

    Raises `BackboneUnavailable` for a head that is not to be had, or that does not fit.
    """
    path, sha256 = aesthetic_head_file(name, sha256)
    return AestheticHead(read_state_dict(path, sha256=sha256), dim, f"head {name!r}")


def aesthetic_head_file(name: str, sha256: str) -> ModelFile:
    """The file of a head, fetched where needed; the arguments are `load_aesthetic_head`'s."""
    scheme, _, place = name.partition(":")
    if name in PUBLISHED:
        source, known = PUBLISHED[name]
        file = name.replace("+", "%2B") + ".pth"
        path = fetch_url(f"https://raw.githubusercontent.com/{source}/{file}", known)
        return ModelFile(path, sha256 or known)
    if scheme == "hf-hub":
        if place.count("/") < 2:
            raise BackboneUnavailable(f"head {name!r}: expected hf-hub:ORG/NAME/FILE")
        organisation, repository, file = place.split("/", 2)
        found = ModelFiles(f"{organisation}/{repository}", "", FILE).need(file)
        return ModelFile(found, sha256)
    if not Path(name).is_file():
        raise BackboneUnavailable(
            f"head {name!r}: there is no such file; expected its path, hf-hub:ORG/NAME/FILE or "
            f"one of {', '.join(PUBLISHED)}"
        )
    return ModelFile(Path(name), sha256)


def _prefixes(state: Mapping[str, Tensor]) -> list[str]:
    """The layers that a state's names speak of; those of the linear variant if of neither."""
    numbers = {int(found[1]) for key in state if (found := re.match(r"layers\.(\d+)\.", key))}
    return _named(RELU if len(numbers & set(RELU)) > len(numbers & set(LINEAR)) else LINEAR)


def _named(numbers: Sequence[int]) -> list[str]:
    return [f"layers.{number}." for number in numbers]


def _after(first: Layer, then: Layer) -> Layer:
    return then[0] @ first[0], then[0] @ first[1] + then[1]
