"""Lets `import torchvision` work beside a CPU-only torch, for the packages that insist on it.

Package indexes serve torchvision wheels built for CUDA.  Beside a CPU-only torch their `_C.so`
cannot load (it links libtorch_cuda.so); torchvision skips it in silence, then registers fake
kernels for two operators that `_C.so` would have defined, and stops with `operator
torchvision::nms does not exist`.  timm, open_clip and transformers' vision models import
torchvision for its Python transforms, which need no operator at all.
"""

import threading
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_lock = threading.Lock()
_defined: list[torch.library.Library] = []  # a Library undefines its operators when collected


def ensure_torchvision_schemas() -> None:
    """Define the schemas of `torchvision::nms` and `qnms` where torchvision cannot do it itself.

    Call it before the first import of torchvision, or of a package that imports it.  It does
    nothing if torch is built for CUDA or ROCm (there a `_C.so` that fails to load is a fault to be
    seen), if torchvision is not installed, if the operators exist, or if `_C.so` loads.  The
    operators get no kernel: calling one still fails.  Repeated calls are harmless.
    """
    if torch.version.cuda is not None or torch.version.hip is not None:
        return
    with _lock:
        if hasattr(torch.ops.torchvision, "nms"):
            return
        package = find_spec("torchvision")
        if package is None or package.origin is None or _loads(Path(package.origin).parent):
            return
        library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            library.define(schema)
        _defined.append(library)


def _loads(package: Path) -> bool:
    """Whether the `_C` extension in `package` loads, which also defines every operator in it."""
    for suffix in EXTENSION_SUFFIXES:
        extension = package / f"_C{suffix}"
        if extension.exists():
            try:
                # What torchvision's own import does first; loading a file twice does no harm.
                torch.ops.load_library(extension)
            except OSError:
                return False
            return True
    return False
