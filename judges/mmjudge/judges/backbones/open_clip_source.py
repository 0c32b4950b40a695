"""Where an open_clip model comes from: names checked before anything is downloaded."""

from difflib import get_close_matches
from pathlib import Path

from mmjudge.judges.backbones.errors import BackboneUnavailable
from mmjudge.judges.backbones.open_clip_files import fetch_open_clip_hub

FORMS = "ARCHITECTURE/TAG, ARCHITECTURE/PATH of a weights file, hf-hub:ORG/NAME or local-dir:PATH"
WEIGHT_FILES = (".safetensors", ".pt", ".pth", ".bin")
FOLDER_FILES = (".safetensors", ".bin", ".pth")  # those that open_clip looks for in a folder


def find_open_clip(model: str, revision: str) -> tuple[str, str | None]:
    """The name and `pretrained` to ask open_clip for, given `model`, one of `FORMS`.

    open_clip has no way to ask a hub for a revision, and would take the newest: with one, the
    commit is downloaded here and becomes a `local-dir:`.

    Raises `BackboneUnavailable`, with the nearest right name, for an architecture or a tag that
    open_clip does not know; for folders and files without a model; for a revision of anything but
    an `hf-hub:` model. Raises what huggingface_hub and open_clip raise for a hub out of reach.
    """
    if revision and not model.startswith("hf-hub:"):
        raise BackboneUnavailable(
            f"{model} at revision {revision}: only hf-hub: models have revisions"
        )
    scheme, _, place = model.partition(":")
    if scheme == "hf-hub":
        if place.count("/") != 1 or not all(place.split("/")):
            raise BackboneUnavailable(f"{model}: expected hf-hub:ORG/NAME")
        if not revision:
            return model, None
        return f"local-dir:{fetch_open_clip_hub(place, revision)[0].parent}", None
    if scheme == "local-dir":
        folder = Path(place)
        if not (folder / "open_clip_config.json").is_file():
            raise BackboneUnavailable(f"{model}: no open_clip_config.json in that folder")
        if not any(file.suffix in FOLDER_FILES for file in folder.iterdir()):
            raise BackboneUnavailable(
                f"{model}: no weights in that folder, expected {', '.join(FOLDER_FILES)}"
            )
        return model, None
    return _find_architecture(model)


def _find_architecture(model: str) -> tuple[str, str]:
    import open_clip

    name, _, weights = model.partition("/")
    architectures = open_clip.list_models()
    if name not in architectures:
        # An older spelling has a slash of its own: ViT-B/32.
        near = _nearest(model, architectures) or _nearest(name, [*architectures, "photo-lite"])
        raise BackboneUnavailable(
            f"{model}: open_clip has no architecture {name!r}{near}; expected photo-lite, "
            f"transformers:ORG/NAME, {FORMS}"
        )
    if Path(weights).suffix in WEIGHT_FILES:
        if not Path(weights).is_file():
            raise BackboneUnavailable(f"{model}: there is no file {weights}")
        return name, weights
    tags = open_clip.list_pretrained_tags_by_model(name)
    if not open_clip.is_pretrained_cfg(name, weights):
        raise BackboneUnavailable(
            f"{model}: {name} has no weights {weights!r}{_nearest(weights, tags)}; expected a path "
            f"that ends in {', '.join(WEIGHT_FILES)} or one of: {', '.join(tags) or 'none'}"
        )
    return name, weights


def _nearest(name: str, names: list[str]) -> str:
    spellings = {candidate.lower(): candidate for candidate in names}
    near = get_close_matches(name.lower(), spellings, n=1)
    return f" (did you mean {spellings[near[0]]!r}?)" if near else ""
