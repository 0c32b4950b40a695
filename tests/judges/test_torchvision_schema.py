"""Importing torchvision beside a CPU-only torch, each time in a fresh interpreter."""

import subprocess
import sys


def run(code: str) -> str:
    ensure = "from mmjudge.judges.backbones.torchvision_schema import ensure_torchvision_schemas\n"
    command = [sys.executable, "-W", "error", "-c", f"import sys, torch\n{ensure}{code}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_torchvision_imports_after_repeated_calls() -> None:
    code = """
ensure_torchvision_schemas()
ensure_torchvision_schemas()
assert "torchvision" not in sys.modules
import torchvision
from torchvision import transforms
ensure_torchvision_schemas()
print(torch.ops.torchvision.nms.default._schema)
"""
    expected = "torchvision::nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
    assert run(code) == expected


def test_an_accelerator_build_is_left_alone() -> None:
    code = """
torch.version.cuda = "13.0"
ensure_torchvision_schemas()
print(hasattr(torch.ops.torchvision, "nms"))
"""
    assert run(code) == "False"


def test_operators_that_exist_are_left_alone() -> None:
    code = """
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor dets) -> Tensor")
ensure_torchvision_schemas()
print(torch.ops.torchvision.nms.default._schema, hasattr(torch.ops.torchvision, "qnms"))
"""
    assert run(code) == "torchvision::nms(Tensor dets) -> Tensor False"


def test_an_extension_that_loads_defines_its_own_operators() -> None:
    code = """
torch.version.cuda = torch.version.hip = None
loaded = []
torch.ops.load_library = loaded.append
ensure_torchvision_schemas()
print([path.stem.split(".")[0] for path in loaded], hasattr(torch.ops.torchvision, "nms"))
"""
    assert run(code) == "['_C'] False"


def test_without_torchvision_nothing_happens() -> None:
    code = """
import mmjudge.judges.backbones.torchvision_schema as module
module.find_spec = lambda name: None
ensure_torchvision_schemas()
print(hasattr(torch.ops.torchvision, "nms"))
"""
    assert run(code) == "False"
