import inspect
import subprocess
import sys
from types import ModuleType

import mmjudge.client
from mmjudge.client import errors
from mmjudge.contract import errors as contract


def test_all_is_sorted_and_complete() -> None:
    exported = mmjudge.client.__all__
    assert exported == sorted(exported)
    public = {
        name
        for name, value in vars(mmjudge.client).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public | {"errors"} == set(exported)


def test_errors_are_the_contracts_own() -> None:
    # ItemError is the judges' way to say what a client gets as a verdict.
    tree = {
        name
        for name, kind in vars(contract).items()
        if inspect.isclass(kind) and issubclass(kind, contract.MmjudgeError)
    }
    assert set(errors.__all__) == tree - {"ItemError"} | {"Violation"}
    assert all(getattr(errors, name) is getattr(contract, name) for name in errors.__all__)


def test_everything_public_is_documented() -> None:
    for name in mmjudge.client.__all__:
        value = getattr(mmjudge.client, name)
        if inspect.isclass(value) and value.__module__.startswith("mmjudge.client"):
            assert value.__doc__, name
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    assert function.__doc__, f"{name}.{method}"


def test_neither_torch_nor_the_server_is_imported() -> None:
    script = (
        "import sys; sys.path[:] = sys.argv[1:]; import mmjudge.client; "
        "print([m for m in sys.modules if m.split('.')[0] in ('torch', 'torchvision', 'triton', "
        "'transformers') or m.startswith(('mmjudge.server', 'mmjudge.judges', 'mmjudge.kernels'))])"
    )
    command = [sys.executable, "-W", "error", "-c", script, *sys.path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "[]", "")
