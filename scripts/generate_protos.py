"""Generate the Python stubs of proto/mmjudge/v1 in place, or check that they are current.

Run by `make proto` and, with --check, by `make check`. grpcio-tools stays at 1.71.2: its code loads
on protobuf 5.29 to 7, newer tools lock out training environments that are still on protobuf 5.
"""

import argparse
import filecmp
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent / "proto"
PACKAGE = Path("mmjudge/v1")


def generate(out: Path) -> None:
    """Write `*_pb2.py`, `*_pb2.pyi` and the service's `*_pb2_grpc.py` under `out`."""
    well_known = str(files("grpc_tools") / "_proto")
    sources = sorted((ROOT / PACKAGE).glob("*.proto"))
    service = ROOT / PACKAGE / "judge.proto"
    include = [f"-I{ROOT}", f"-I{well_known}"]
    for flags, protos in (
        ([f"--python_out={out}", f"--pyi_out={out}"], sources),
        ([f"--grpc_python_out={out}"], [service]),
    ):
        if protoc.main(["protoc", *include, *flags, *map(str, protos)]) != 0:
            sys.exit("protoc failed")


def stale(fresh: Path) -> list[str]:
    """Names of stubs that are missing, different or left over beside `fresh`."""
    new = {p.name for p in (fresh / PACKAGE).iterdir()}
    old = {p.name for p in (ROOT / PACKAGE).glob("*_pb2*.py*")}
    same = {n for n in new & old if filecmp.cmp(fresh / PACKAGE / n, ROOT / PACKAGE / n, False)}
    return sorted((new | old) - same)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    if not parser.parse_args().check:
        generate(ROOT)
        return
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        if names := stale(Path(scratch)):
            sys.exit(f"stubs out of date: {', '.join(names)}; run `make proto` and commit them")


if __name__ == "__main__":
    main()
