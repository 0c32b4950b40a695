"""What holds for every adapter of a trainer of texts."""

import subprocess
import sys

ADAPTERS = ("easyr1", "ms_swift", "openrlhf", "slime", "trl", "verl", "verl_tokens")
HEAVY = ("torch", "transformers", "trl", "verl", "swift", "ray", "slime", "openrlhf")


def test_importing_them_imports_no_framework_and_no_torch() -> None:
    code = (
        f"import sys; from mmjudge.rl import {', '.join(ADAPTERS)}\n"
        f"print(sorted({set(HEAVY)!r} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"
