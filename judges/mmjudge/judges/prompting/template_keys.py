"""The keys of a template's file, read strictly."""

from collections.abc import Mapping
from typing import Any, get_args

from mmjudge.judges.answers.answer import Scale
from mmjudge.judges.prompting.placeholders import Arity, TemplateError, nearest
from mmjudge.judges.prompting.template import Need, Order, ReadoutName, Template

STRINGS = ("text", "description", "perspective", "caution", "task", "system")
LISTS = ("needs", "labels", "choice", "answers", "ties")
CHOICES: Mapping[str, tuple[str, ...]] = {
    "images": get_args(Arity),
    "readout": get_args(ReadoutName),
    "order": get_args(Order),
}
REQUIRED = ("text", "images", "readout")
KEYS = (*STRINGS, *LISTS, *CHOICES, "scale", "criteria", "endings", "fence")


def template_from(name: str, table: Mapping[str, Any]) -> Template:
    """Build a template from the table of its file; raises `TemplateError` naming the key."""
    _known(table, KEYS)
    for key in REQUIRED:
        if key not in table:
            told = f"; expected one of {', '.join(CHOICES[key])}" if key in CHOICES else ""
            raise TemplateError(f"{key}: missing{told}")
    return Template(name, **{key: _value(key, value) for key, value in table.items()})


def _value(key: str, value: Any) -> Any:
    if key in CHOICES:
        return _chosen(value, CHOICES[key], key)
    if key in STRINGS:
        return _string(value, key)
    if key == "needs":
        return tuple(_chosen(one, get_args(Need), key) for one in _strings(value, key))
    if key in LISTS:
        return _strings(value, key)
    if key == "fence":
        if not isinstance(value, bool):
            raise TemplateError(f"{key}: {value!r}, expected true or false")
        return value
    if key == "scale":
        return _scale(_table(value, key))
    table = {name: _string(one, f"{key}.{name}") for name, one in _table(value, key).items()}
    if key == "endings":
        for name in table:
            _chosen(name, get_args(ReadoutName), key)
    return table


def _scale(table: Mapping[str, Any]) -> Scale:
    _known(table, ("low", "high", "words"), "scale.")
    for key in ("low", "high"):
        if type(table.get(key)) is not int:
            raise TemplateError(f"scale.{key}: {table.get(key)!r}, expected an integer")
    try:
        words = _strings(table.get("words", []), "scale.words")
        return Scale(table["low"], table["high"], words)
    except ValueError as error:
        raise TemplateError(f"scale: {error}") from error


def _known(table: Mapping[str, Any], keys: tuple[str, ...], path: str = "") -> None:
    for key in table:
        if key not in keys:
            raise TemplateError(f"{path}{key}: unknown key; {nearest(key, keys)}")


def _chosen(value: Any, allowed: tuple[str, ...], key: str) -> str:
    if (text := _string(value, key)) not in allowed:
        raise TemplateError(f"{key}: {text!r}; {nearest(text, allowed)}")
    return text


def _string(value: Any, key: str) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"{key}: {value!r}, expected a string")
    return value


def _strings(value: Any, key: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TemplateError(f"{key}: {value!r}, expected an array of strings")
    return tuple(_string(one, f"{key}[{i}]") for i, one in enumerate(value))


def _table(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TemplateError(f"{key}: {value!r}, expected a table")
    return value
