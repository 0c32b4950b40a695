"""Importing the package costs no model library and no trainer."""

import subprocess
import sys
from pkgutil import iter_modules

import mmjudge.rl


def test_neither_torch_nor_a_trainer_is_imported() -> None:
    names = [f"mmjudge.rl.{module.name}" for module in iter_modules(mmjudge.rl.__path__)]
    assert {"mmjudge.rl.flow_grpo", "mmjudge.rl.verl_omni"} <= set(names)
    code = f"import sys, {', '.join(names)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert {"mmjudge", "numpy", "grpc"} <= loaded
    heavy = {"torch", "transformers", "trl", "accelerate", "verl", "swift", "diffusers", "datasets"}
    assert loaded & heavy == set()


def test_all_lists_what_is_exported() -> None:
    assert mmjudge.rl.__all__ == sorted(mmjudge.rl.__all__)
    assert all(hasattr(mmjudge.rl, name) for name in mmjudge.rl.__all__)
