"""A model hub on a loopback port, asked by huggingface_hub itself."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

HEAD = "f" * 40  # the commit that main is of
COMMIT = re.compile(r"[0-9a-f]{40}")
LARGE = (".safetensors", ".pt", ".bin")  # which a hub names by SHA-256


class FakeHub:
    """Files of repositories by `ORG/NAME/FILE`, the same at every commit, and what was asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.named: dict[str, str] = {}
        """What the hub says of a file's content, where that is not so."""
        self.fetched: set[tuple[str, str]] = set()
        """Files that were downloaded, with the revision asked for."""

    def add(self, repository: str, folder: Path) -> None:
        """Publish the files of a folder."""
        for path in folder.iterdir():
            self.files[f"{repository}/{path.name}"] = path.read_bytes()

    def etag(self, file: str) -> str:
        """What the hub calls a file's content."""
        data = self.files[file]
        if file.endswith(LARGE):
            return self.named.get(file, hashlib.sha256(data).hexdigest())
        return self.named.get(file, hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest())


@contextmanager
def serving_hub(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that huggingface_hub of this process asks, with an empty cache."""
    from huggingface_hub import constants

    hub = FakeHub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, *, body: bool) -> None:
            asked = re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", self.path)
            file = f"{asked[1]}/{asked[3]}" if asked else ""
            known = any(one.startswith(f"{asked[1]}/") for one in hub.files) if asked else False
            if not asked or file not in hub.files:
                return self._send(404, {"X-Error-Code": f"{'Entry' if known else 'Repo'}NotFound"})
            if body:
                hub.fetched.add((file, asked[2]))
            etag, data = hub.etag(file), hub.files[file]
            headers = {"ETag": f'"{etag}"', "Content-Length": str(len(data))}
            if file.endswith(LARGE):
                headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
            return self._send(200, headers, data if body else b"", asked[2])

        def _send(
            self, status: int, headers: dict[str, str], data: bytes = b"", revision: str = "main"
        ) -> None:
            self.send_response(status)
            commit = revision if COMMIT.fullmatch(revision) else HEAD
            for name, value in ({"Content-Length": "0", "X-Repo-Commit": commit} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    template = f"{endpoint}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    use_cache(cache, monkeypatch)
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def use_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have huggingface_hub and torch.hub keep what they fetch in a folder."""
    import torch
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache / "hub"))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(cache / "torch"))


def go_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """What HF_HUB_OFFLINE=1 does to a process."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
