"""Compile every kernel for GPUs that are not here, and hold what comes out to a table.

The launchers themselves run, on CPU tensors, with their last step replaced: what they would launch
is compiled for each architecture with the installed Triton. A kernel that spills registers, exceeds
shared memory, or misses the tensor cores fails; so does any difference from the committed table.

    python scripts/compile_kernels.py --check     compare with docs/kernels/compile_table.json
    python scripts/compile_kernels.py --write     replace this Triton version's rows there
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.pop("TRITON_INTERPRET", None)
ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "kernels"))

import torch  # noqa: E402
import triton  # noqa: E402
from torch import Tensor  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402
from triton.runtime.jit import JITFunction  # noqa: E402
from triton.tools.tensor_descriptor import TensorDescriptor  # noqa: E402

from mmjudge.kernels import gpu  # noqa: E402
from mmjudge.kernels.architecture import assuming  # noqa: E402
from mmjudge.kernels.gpu.rows import scales  # noqa: E402
from mmjudge.kernels.segments import Segments  # noqa: E402

TABLE = ROOT / "docs" / "kernels" / "compile_table.json"
SHARED_LIMITS = {
    "sm_80": 166_912,
    "sm_89": 101_376,
    "sm_90": 232_448,
    "sm_100": 232_448,
    "gfx942": 65_536,
}
OPTIONS = ("num_warps", "num_stages", "enable_fp_fusion")
NAMES = {
    torch.bfloat16: "bf16",
    torch.float16: "fp16",
    torch.float32: "fp32",
    torch.int32: "i32",
    torch.int64: "i64",
    torch.bool: "i1",
}
LAUNCHERS: Any = gpu  # whose arguments come as lists here
Launch = tuple[JITFunction[Any], dict[str, Any], dict[str, int]]


def cases(dtype: torch.dtype) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each way to launch a kernel that compiles to code of its own."""

    def sides(dim: int, masked: bool = False) -> list[Any]:
        text, image = torch.zeros(160, dim, dtype=dtype), torch.zeros(320, dim, dtype=dtype)
        keep = [torch.ones(n, dtype=torch.bool) if masked else None for n in (160, 320)]
        texts = Segments("", None, 2, 160, torch.device("cpu"))
        images = Segments("", None, 2, 320, torch.device("cpu"))
        return [text, image, texts, images, *keep]

    def pairs(dim: int, columns: bool, masked: bool = False, vectors: bool = False) -> object:
        given = sides(dim, masked=masked)
        return LAUNCHERS.pairs_maxima(*given, True, 1e-12, columns, True, vectors)

    def matrix(dim: int, columns: bool, winners: bool) -> object:
        return LAUNCHERS.matrix_maxima(*sides(dim), True, 1e-12, True, columns, True, winners, 0)

    def pooled(tau: float | None, backward: bool) -> object:
        text, image, texts, images, *keeps = sides(768)
        if not backward:
            return LAUNCHERS.pooled(text, image, texts, images, *keeps, True, 1e-12, tau)
        of_tokens, of_patches = torch.zeros(160), torch.zeros(320)
        saved = of_tokens, of_tokens, of_tokens.int(), of_tokens, of_patches
        return LAUNCHERS.pooled_gradient(of_tokens, text, image, texts, images, *saved, True, tau)

    def masked_rows(dim: int) -> tuple[Tensor, Tensor]:
        text, _, _, _, keep, _ = sides(dim, masked=True)
        return text, keep

    def gather(dim: int, normalize: bool) -> object:
        text, image, *_ = sides(dim)
        index, weight = torch.zeros(160, dtype=torch.int64), torch.zeros(160)
        starts = torch.zeros(161, dtype=torch.int64)
        return LAUNCHERS.gather(image, index, weight, starts, text, weight, normalize)

    yield "pairs", lambda: pairs(768, False)
    yield "pairs, both directions", lambda: pairs(768, True)
    yield "pairs, both directions, masked", lambda: pairs(768, True, masked=True)
    yield "pairs, deep", lambda: pairs(4096, False)
    yield "pairs, both directions, deep", lambda: pairs(4096, True)
    yield "pairs, narrow", lambda: pairs(16, True)
    yield "vectors", lambda: pairs(768, False, vectors=True)
    yield "vectors, masked", lambda: pairs(768, False, masked=True, vectors=True)
    yield "pooled, softmax", lambda: pooled(0.1, False)
    yield "pooled, mean", lambda: pooled(None, False)
    yield "pooled gradient, softmax", lambda: pooled(0.1, True)
    yield "pooled gradient, mean", lambda: pooled(None, True)
    yield "matrix", lambda: matrix(768, False, False)
    yield "matrix, winners", lambda: matrix(768, False, True)
    yield "matrix, both directions", lambda: matrix(768, True, False)
    yield "matrix, both directions, winners", lambda: matrix(768, True, True)
    yield "matrix, narrow", lambda: matrix(16, True, True)
    for dim in (128, 768, 4096, 16384):
        yield f"gather, {dim}", lambda d=dim: gather(d, True)  # type: ignore[misc]
    yield "gather, dot products", lambda: gather(768, False)
    yield "scales, masked", lambda: scales(*masked_rows(768), True, 1e-12)
    for mode in ("mean", "max"):
        columns = torch.zeros(160, 256, dtype=dtype)
        yield (
            f"segments, {mode}",
            lambda m=mode, c=columns: LAUNCHERS.segment_reduce(c, sides(16)[2], None, m, 0.0),  # type: ignore[misc]
        )


@contextmanager
def recorded(launches: list[Launch]) -> Iterator[None]:
    """Within: launches are written down instead of made."""
    ours = JITFunction.run

    def record(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> None:
        options = {name: kwargs.pop(name) for name in OPTIONS if name in kwargs}
        bound = self.signature.bind(*args, **kwargs).arguments
        launches.append((self, dict(bound), options))

    JITFunction.run = record
    try:
        yield
    finally:
        JITFunction.run = ours


def source(kernel: JITFunction[Any], arguments: dict[str, Any]) -> ASTSource:
    """What the just-in-time compiler would make of these arguments."""
    signature: dict[str, str] = {}
    constants: dict[tuple[int, ...], Any] = {}
    attributes: dict[tuple[int, ...], list[list[object]]] = {}
    constexprs = {parameter.name for parameter in kernel.params if parameter.is_constexpr}
    for i, (name, value) in enumerate(arguments.items()):
        aligned = False
        if name in constexprs or value is None or (type(value) is int and value == 1):
            signature[name] = "constexpr"
            constants[(i,)] = value
        elif isinstance(value, TensorDescriptor):
            block = ",".join(map(str, value.block_shape))
            signature[name] = f"tensordesc<{NAMES[value.base.dtype]}[{block}]>"
        elif isinstance(value, Tensor):
            signature[name] = f"*{NAMES[value.dtype]}"
            aligned = value.data_ptr() % 16 == 0
        elif isinstance(value, int):
            signature[name] = "i32" if abs(value) < 2**31 else "i64"
            aligned = value % 16 == 0
        else:
            signature[name] = "fp32"
        if aligned:
            attributes[(i,)] = [["tt.divisibility", 16]]
    return ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=attributes)


def target(architecture: str) -> GPUTarget:
    if architecture.startswith("gfx"):
        return GPUTarget("hip", architecture, 64)
    return GPUTarget("cuda", int(architecture.removeprefix("sm_")), 32)


def resources(compiled: Any, architecture: str) -> dict[str, int]:
    """Registers, shared memory, spills and the matrix instructions of one compiled kernel."""
    found = {"warps": compiled.metadata.num_warps, "shared": compiled.metadata.shared}
    if architecture.startswith("gfx"):
        text = compiled.asm["amdgcn"]

        def count(name: str) -> int:
            return int(re.findall(rf"\.{name}:\s+(\d+)", text)[-1])

        spills = count("vgpr_spill_count")  # scalar registers spill to vector ones, not to memory
        matrix = len(re.findall(r"\bv_mfma", text))
        return found | {"registers": count("vgpr_count"), "spills": spills, "mfma": matrix}
    binaries = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()

        def dump(option: str) -> str:
            command = [str(binaries / "cuobjdump"), option, file.name]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            return ran.stdout + ran.stderr

        usage = re.search(r"REG:(\d+) STACK:(\d+)", dump("-res-usage"))
        code = dump("-sass")
    if usage is None:
        raise RuntimeError(f"cuobjdump named no registers for {architecture}")

    def number(*instructions: str) -> int:
        return sum(len(re.findall(rf"\b{name}\b", code)) for name in instructions)

    return found | {
        "registers": int(usage[1]),
        "spills": int(usage[2]) + number("LDL", "STL"),
        "wgmma": number("HGMMA"),
        "mma": number("HMMA", "UTCHMMA"),
        "tma": number("UTMALDG"),
    }


def compiled_rows(job: tuple[str, torch.dtype]) -> dict[str, dict[str, Any]]:
    """Rows by name for one architecture and dtype."""
    architecture, dtype = job
    rows: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for case, launch in cases(dtype):
        launches: list[Launch] = []
        with assuming(architecture), recorded(launches):
            launch()
        for kernel, arguments, options in launches:
            code = source(kernel, arguments)
            key = f"{kernel.fn.__name__} {code.signature} {code.constants} {code.attrs} {options}"
            if key in seen:
                continue
            seen.add(key)
            compiled = triton.compile(code, target=target(architecture), options=options)
            side = " of tokens" if arguments.get("BY_TOKEN") else ""
            name = f"{architecture} {NAMES[dtype]} {kernel.fn.__name__}: {case}{side}"
            rows[name] = resources(compiled, architecture)
    return rows


def faults(rows: dict[str, dict[str, Any]]) -> list[str]:
    """What no table may excuse."""
    found = []
    for name, row in rows.items():
        architecture, dtype, kernel, *_ = name.split()
        if row["spills"]:
            found.append(f"{name}: {row['spills']} spills")
        if row["shared"] > SHARED_LIMITS[architecture]:
            found.append(f"{name}: {row['shared']} bytes of shared memory")
        products = kernel.startswith(("pairs_", "matrix_", "pooled_kernel"))
        if (
            products
            and dtype != "fp32"
            and not (row.get("wgmma") or row.get("mma") or row.get("mfma"))
        ):
            found.append(f"{name}: no matrix instructions")
        if architecture == "sm_90" and products and dtype != "fp32" and "vectors" not in name:
            if not row["wgmma"]:
                found.append(f"{name}: no wgmma")
            if kernel == "matrix_kernel:" and not row["tma"]:
                found.append(f"{name}: no loads by descriptor")
    return found


def differences(rows: dict[str, dict[str, Any]], table: dict[str, dict[str, Any]]) -> list[str]:
    """Rows that are new, gone or changed."""
    names = sorted(rows.keys() | table.keys())
    return [
        f"{name}: {rows.get(name)}, table {table.get(name)}"
        for name in names
        if rows.get(name) != table.get(name)
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--write", action="store_true", help="replace this version's rows of these architectures"
    )
    parser.add_argument("--check", action="store_true", help="compare with this version's rows")
    parser.add_argument("--only", default="", help="architectures, as sm_90,gfx942")
    parser.add_argument("--show", action="store_true", help="print every row")
    options = parser.parse_args()
    wanted = options.only.split(",") if options.only else list(SHARED_LIMITS)
    jobs = [(name, dtype) for name in wanted for dtype in (torch.bfloat16, torch.float32)]
    with multiprocessing.get_context("spawn").Pool() as pool:
        rows = {k: v for part in pool.imap(compiled_rows, jobs) for k, v in part.items()}
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    version = triton.__version__
    problems = faults(rows)
    if options.check:
        expected = table.get(version, {})
        chosen = {k: v for k, v in expected.items() if k.split()[0] in wanted}
        problems += differences(rows, chosen)
    if options.show:
        for name, row in rows.items():
            print(name, row)
    if options.write and not problems:
        others = {k: v for k, v in table.get(version, {}).items() if k.split()[0] not in wanted}
        table[version] = dict(sorted((others | rows).items()))
        TABLE.parent.mkdir(parents=True, exist_ok=True)
        TABLE.write_text(json.dumps(table, indent=1) + "\n")
    for problem in problems:
        print(problem)
    print(f"Triton {version}: {len(rows)} kernels compiled, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
