"""Single files of published weights, fetched once and kept where their libraries keep them."""

from pathlib import Path
from urllib.parse import unquote

import torch

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.published import commit_of


def fetch_hub_file(repository: str, file: str, revision: str = "") -> Path:
    """A file of a model hub's ORG/NAME, in the hub's own cache.

    `revision` is a commit, branch or tag; empty for a known commit or the newest.

    Raises `BackboneUnavailable` for what is not there, and for a hub that does not answer.
    """
    from huggingface_hub import hf_hub_download

    commit = commit_of(repository, revision)
    try:
        return Path(hf_hub_download(repository, file, revision=commit or None))
    except (OSError, RuntimeError, ValueError) as error:
        what = f"{repository}/{file} at revision {commit or 'main'}"
        raise _unavailable(what, error) from error


def fetch_url(url: str, sha256: str) -> Path:
    """What `url` names, in torch.hub's folder of checkpoints; a file there is not fetched again.

    Raises `BackboneUnavailable` when it does not come, or comes with another digest.
    """
    path = Path(torch.hub.get_dir(), "checkpoints", unquote(url.rpartition("/")[2]))
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hash_prefix=sha256, progress=False)
    except (OSError, RuntimeError) as error:
        raise _unavailable(url, error) from error
    return path


def _unavailable(what: str, error: Exception) -> BackboneUnavailable:
    reason = " ".join(str(error).split())[:300]
    return BackboneUnavailable(
        f"{what}: {type(error).__name__}: {reason}; fetch it elsewhere and configure its path"
    )
