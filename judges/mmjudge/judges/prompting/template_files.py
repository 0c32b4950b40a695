"""Templates as data: TOML files of one's own, and those shipped with the package."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from mmjudge.judges.prompting.placeholders import TemplateError, nearest
from mmjudge.judges.prompting.template import Template
from mmjudge.judges.prompting.template_keys import template_from

# A shipped template of three parts is put together from one file each: alignment-pair-likert-5.
PERSPECTIVES = ("alignment", "safety", "quality", "bias")
LAYOUTS = ("single", "pair")
SCALES = ("numeric-5", "numeric-10", "likert-5", "likert-10")


def shipped_templates() -> tuple[str, ...]:
    """Names of the templates that come with the package, sorted."""
    whole = [file.name.removesuffix(".toml") for file in _folder().iterdir() if file.is_file()]
    return tuple(sorted([*whole, *_COMPOSED]))


def load_template(name: str) -> Template:
    """A shipped template by its name, or a file by its path, which ends in `.toml`.

    Raises `TemplateError` naming file and key, with the nearest right name.
    """
    if name.endswith(".toml"):
        table = _with_extended(_read(Path(name)), Path(name))
        return _built(Path(name).stem, table, name)
    if name in _COMPOSED:
        return _built(name, _merged([_part(part) for part in _COMPOSED[name]]), name)
    if (names := shipped_templates()) and name not in names:
        told = f"{nearest(name, names)} A file's path ends in .toml"
        raise TemplateError(f"template {name!r}: none of that name is shipped; {told}")
    return _built(name, _with_extended(_read(_folder() / f"{name}.toml"), None), name)


def _composed() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for perspective in PERSPECTIVES:
        for layout in LAYOUTS:
            if (perspective, layout) == ("bias", "pair"):
                continue  # bias is measured over groups of images, each rated by itself
            for scale in SCALES:
                parts = (perspective, layout, scale)
                found["-".join(parts)] = parts
        found[f"{perspective}-expected-5"] = (perspective, "expected", "numeric-5")
    return found


_COMPOSED = _composed()


def _folder() -> Traversable:
    return files("mmjudge.judges") / "templates"


def _part(name: str) -> Mapping[str, Any]:
    return _read(_folder() / "parts" / f"{name}.toml")


def _read(file: Traversable) -> Mapping[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TemplateError(f"{file}: not TOML: {error}") from error
    except OSError as error:
        raise TemplateError(f"{file}: cannot be read: {error}") from error


def _with_extended(table: Mapping[str, Any], file: Path | None) -> Mapping[str, Any]:
    """Put what a table `extends` under it: shipped templates, their parts, files beside it."""
    below: list[Mapping[str, Any]] = []
    extended = table.get("extends", [])
    if not isinstance(extended, list) or not all(isinstance(one, str) for one in extended):
        raise TemplateError(f"{file}: extends: {extended!r}, expected an array of names")
    for name in extended:
        if file is not None and name.endswith(".toml"):
            other = file.parent / name
            below.append(_with_extended(_read(other), other))
        elif name in _COMPOSED:
            below += [_part(part) for part in _COMPOSED[name]]
        elif (part := _folder() / "parts" / f"{name}.toml").is_file():
            below.append(_read(part))
        elif (whole := _folder() / f"{name}.toml").is_file():
            below.append(_with_extended(_read(whole), None))
        else:
            told = nearest(name, (*shipped_templates(), *_parts()))
            raise TemplateError(f"{file}: extends: no template or part {name!r}; {told}")
    own = {key: value for key, value in table.items() if key != "extends"}
    return _merged([*below, own])


def _parts() -> tuple[str, ...]:
    parts = (_folder() / "parts").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in parts))


def _merged(tables: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    merged: dict[str, Any] = {}
    for table in tables:
        merged |= table
    return merged


def _built(name: str, table: Mapping[str, Any], file: str) -> Template:
    try:
        return template_from(name, table)
    except TemplateError as error:
        raise TemplateError(f"template {file}: {error}") from error
