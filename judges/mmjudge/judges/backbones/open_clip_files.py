"""Which files open_clip reads of a model of a hub: config, weights, tokenizer."""

from pathlib import Path

from mmjudge.judges.backbones.errors import unavailable
from mmjudge.judges.backbones.model_files import ModelFiles, read_json
from mmjudge.judges.backbones.transformers_files import (
    CONFIG,
    TOKENIZER,
    VOCABULARIES,
    tokenizer_files,
)

OPEN_CLIP_CONFIG = "open_clip_config.json"
OFFLINE = "photo-lite, local-dir:PATH and transformers:PATH need no model hub"


def fetch_open_clip_hub(repository: str, revision: str) -> list[Path]:
    """Fetch config, weights and any tokenizer of one commit of ORG/NAME, the config first.

    `revision` is empty for the newest. Raises `BackboneUnavailable` for what is not to be had.
    """
    from open_clip.pretrained import download_pretrained_from_hf

    # Never `published.COMMITS`: without a revision, open_clip itself looks for the newest.
    files = ModelFiles(repository, revision or "main", OFFLINE)
    files.what = f"hf-hub:{repository}{f' at revision {revision}' if revision else ''}"
    config = files.need(OPEN_CLIP_CONFIG)
    try:
        # It takes safetensors where there are any.
        weights = download_pretrained_from_hf(repository, revision=revision or None)
    except OSError as error:
        raise unavailable(files.what, error, OFFLINE) from error
    return [config, Path(weights), *files.find(*VOCABULARIES, *TOKENIZER)]


def fetch_open_clip(name: str, pretrained: str | None) -> list[Path]:
    """Fetch all that open_clip reads of what `find_open_clip` returned.

    Raises `BackboneUnavailable` for what is not to be had.
    """
    import open_clip
    from open_clip.pretrained import download_pretrained

    scheme, _, place = name.partition(":")
    if scheme == "local-dir":
        return sorted(path for path in Path(place).iterdir() if path.is_file())
    if scheme == "hf-hub":
        found = fetch_open_clip_hub(place, "")
        config = read_json(found[0]).get("model_cfg") or {}
    else:
        config = open_clip.get_model_config(name)
        # {} for the path of a file of weights
        tag = open_clip.get_pretrained_cfg(name, pretrained or "")
        try:
            found = [Path(download_pretrained(tag) if tag else pretrained or "")]
        except (OSError, RuntimeError) as error:
            raise unavailable(f"{name}/{pretrained}", error, OFFLINE) from error
    text = config.get("text_cfg") or {}
    if described := text.get("hf_model_name"):
        found.append(ModelFiles(described, "main", OFFLINE).need(CONFIG))
    if (tokenizer := text.get("hf_tokenizer_name")) and tokenizer != place:
        found += tokenizer_files(ModelFiles(tokenizer, "main", OFFLINE))
    return found
