"""Digests of files: those they must have, and those that a model hub knows them by."""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from mmjudge.judges.backbones.errors import BackboneUnavailable

SHA256, GIT = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


class Checked(NamedTuple):
    """A file's SHA-256, and what it was checked against: `sha256`, `git` or nothing, ''."""

    sha256: str
    against: str


def check_sha256(path: Path, expected: str) -> str:
    """The file's hexadecimal digest; raises `BackboneUnavailable` unless it is the expected one."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    _compare(path, "sha256", found, expected.lower() or found, "or correct the digest")
    return found


def check_file(path: Path, expected: str) -> Checked:
    """Check a file's SHA-256 if one is expected, and its name in huggingface_hub's cache if it has.

    That name is what the hub calls its content: a SHA-256 for large files, git's SHA-1 of a blob
    for others. Copies without links have none.

    Raises `BackboneUnavailable` for another content.
    """
    found = check_sha256(path, expected)
    stored = path.resolve()
    name = stored.name if stored.parent.name == "blobs" else ""
    if SHA256.fullmatch(name):
        _compare(stored, "sha256", found, name, "having removed that one")
        return Checked(found, "sha256")
    if GIT.fullmatch(name):
        data = stored.read_bytes()
        blob = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
        _compare(stored, "git's sha1", blob, name, "having removed that one")
        return Checked(found, "sha256" if expected else "git")
    return Checked(found, "sha256" if expected else "")


def _compare(path: Path, name: str, found: str, expected: str, otherwise: str) -> None:
    if found != expected:
        raise BackboneUnavailable(
            f"{path}: expected {name} {expected}, found {found}: fetch the file again, {otherwise}"
        )
