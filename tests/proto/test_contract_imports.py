"""What imports what: the arrows of the design, and a contract without torch."""

import ast
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
ROOTS = ["proto", "kernels", "judges", "server", "clients"]

# Each package of mmjudge, and what it may import beside itself.
ARROWS: dict[str, set[str]] = {
    "v1": set(),
    "contract": {"v1"},
    "kernels": set(),
    "judges": {"contract", "kernels"},
    "server": {"contract", "v1", "judges"},
    "client": {"contract", "v1"},
    "rl": {"contract", "v1", "client"},
    "bench": {"contract", "v1", "client"},
    "cli": {"contract", "v1", "client", "bench"},
}
# The modules that may import the server too: anywhere, or only within a function or for types.
MAY_SERVE = {"mmjudge.client.local"}
MAY_SERVE_LAZILY = {"mmjudge.cli.pull", "mmjudge.cli.serve", "mmjudge.cli.settings"}


def modules() -> dict[str, Path]:
    """Every module of the five roots by its dotted name."""
    return {
        ".".join(path.relative_to(REPOSITORY / root).with_suffix("").parts): path
        for root in ROOTS
        for path in sorted((REPOSITORY / root / "mmjudge").rglob("*.py"))
    }


def imports(name: str, source: str) -> Iterator[tuple[str, bool]]:
    """Dotted names that the module `name` imports, and whether later than when it is imported."""
    parts = name.split(".")

    def visit(node: ast.AST, lazy: bool) -> Iterator[tuple[str, bool]]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, lazy
        elif isinstance(node, ast.ImportFrom):
            above = parts[: len(parts) - node.level] if node.level else []
            start = ".".join([*above, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                yield f"{start}.{alias.name}", lazy
        later = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            for_types = isinstance(node, ast.If) and child in node.body and _for_types(node.test)
            yield from visit(child, later or for_types)

    return visit(ast.parse(source), False)


def _for_types(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def wrong_imports(name: str, source: str) -> list[str]:
    """The imports of the module `name` that point against the arrows."""
    own = name.split(".")[1]
    wrong = []
    for imported, lazy in imports(name, source):
        package, *rest = imported.split(".")
        if package != "mmjudge" or (rest and rest[0] in {own, *ARROWS[own]}):
            continue
        module = name.removesuffix(".__init__")
        serves = module in MAY_SERVE or (lazy and module in MAY_SERVE_LAZILY)
        if not (rest and rest[0] == "server" and serves):
            wrong.append(f"{name} imports {imported}")
    return wrong


def test_no_import_points_against_the_arrows() -> None:
    found = modules()
    assert "mmjudge.contract.items" in found
    assert [
        bad for name, path in found.items() for bad in wrong_imports(name, path.read_text())
    ] == []


def test_every_package_has_its_arrows() -> None:
    assert {name.split(".")[1] for name in modules()} <= set(ARROWS)


@pytest.mark.parametrize(
    ("name", "source", "right"),
    [
        ("mmjudge.contract.items", "import mmjudge.v1.judge_pb2", True),
        ("mmjudge.contract.items", "from mmjudge.v1 import judge_pb2", True),
        ("mmjudge.contract.items", "from mmjudge import v1", True),
        ("mmjudge.contract.items", "from . import errors", True),
        ("mmjudge.contract.items", "import numpy", True),
        ("mmjudge.contract.items", "import mmjudge", False),
        ("mmjudge.contract.items", "from mmjudge import judges", False),
        ("mmjudge.contract.items", "from ..client import Client", False),
        ("mmjudge.contract.items", "def f():\n    import mmjudge.server", False),
        ("mmjudge.kernels.cpu", "import mmjudge.contract", False),
        ("mmjudge.judges.clip", "from mmjudge.kernels import f", True),
        ("mmjudge.judges.clip", "from mmjudge.server import f", False),
        ("mmjudge.judges.clip", "from mmjudge.v1 import judge_pb2", False),
        ("mmjudge.server.app", "import mmjudge.judges, mmjudge.v1, mmjudge.contract", True),
        ("mmjudge.server.app", "from mmjudge.client import Client", False),
        ("mmjudge.client.aio", "from mmjudge.server import f", False),
        ("mmjudge.client.aio", "if TYPE_CHECKING:\n    from mmjudge.judges import f", False),
        ("mmjudge.client.local", "from mmjudge.server import f", True),
        ("mmjudge.client.local", "from mmjudge.judges import f", False),
        ("mmjudge.rl.trl", "from mmjudge.client import Client", True),
        ("mmjudge.rl.trl", "from mmjudge.bench import f", False),
        ("mmjudge.cli.serve", "def f():\n    from mmjudge.server import g", True),
        ("mmjudge.cli.serve", "class A:\n    async def f():\n        import mmjudge.server", True),
        ("mmjudge.cli.serve", "if TYPE_CHECKING:\n    from mmjudge.server import g", True),
        ("mmjudge.cli.serve", "if TYPE_CHECKING: ...\nelse:\n    import mmjudge.server", False),
        ("mmjudge.cli.serve", "from mmjudge.server import g", False),
        ("mmjudge.cli.serve", "try:\n    import mmjudge.server\nexcept A: ...", False),
        ("mmjudge.cli.__init__", "def f():\n    from mmjudge.server import g", False),
    ],
)
def test_the_arrows_are_told_apart(name: str, source: str, right: bool) -> None:
    assert (wrong_imports(name, source) == []) == right


def test_no_init_hides_the_other_portions_of_the_namespace() -> None:
    places = [REPOSITORY / root for root in ROOTS]
    places += [place / "mmjudge" for place in places]
    assert [str(p) for p in places if (p / "__init__.py").exists()] == []


def test_the_contract_imports_no_model_library() -> None:
    code = "import sys, mmjudge.contract as c; print(*sys.modules)"
    path = os.pathsep.join(str(REPOSITORY / root) for root in ROOTS)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stdout.split())
    assert {"mmjudge.contract", "numpy", "PIL"} <= loaded
    heavy = {"torch", "torchvision", "transformers", "open_clip", "timm", "triton", "safetensors"}
    assert loaded & heavy == set()


def test_all_lists_what_the_contract_exports() -> None:
    contract = importlib.import_module("mmjudge.contract")
    public = {
        name
        for name, value in vars(contract).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert contract.__all__ == sorted(public)
