"""Frozen dataclasses from TOML tables, strictly: every mistake is named by its path."""

import dataclasses
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from mmjudge.contract.errors import SetupError

T = TypeVar("T")


class ConfigError(SetupError, ValueError):
    """The configuration is wrong; says where and what was expected."""


def build(cls: type[T], table: Mapping[str, Any], path: str = "") -> T:
    """Build dataclass `cls` from `table`.

    Raises `ConfigError` for an unknown key (with the nearest right one), a missing one, or a value
    of the wrong type. `path` stands before keys in messages, e.g. "judges.clip".
    """
    hints = get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise ConfigError(f"{_join(path, key)}: unknown key; {nearest(key, fields)}")
    for name, field in fields.items():
        required = field.default is field.default_factory is dataclasses.MISSING
        if required and name not in table:
            raise ConfigError(f"{_join(path, name)}: missing")
    return cls(**{key: _value(hints[key], table[key], _join(path, key)) for key in table})


def nearest(key: str, known: Mapping[str, Any]) -> str:
    """Say which of `known` was probably meant, or list them."""
    if not known:
        return "there is none"
    close = get_close_matches(key, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(sorted(known))}"


def typed(value: Any, kind: type, path: str) -> Any:
    """Return `value`, which must be of exactly `kind`; raises `ConfigError` naming `path`."""
    # `type(...) is`, because to isinstance a bool is an int.
    if type(value) is not kind:
        names = {dict: "a table", list: "an array", str: "a string", int: "an integer",
                 float: "a number", bool: "true or false"}  # fmt: skip
        expected = names.get(kind, str(kind))
        raise ConfigError(f"{path}: {value!r}, expected {expected}")
    return value


def _value(hint: Any, value: Any, path: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, hint):  # built already, by whoever knows more of it than the hint
            return value
        return build(hint, typed(value, dict, path), path)
    if origin is Literal:
        if value not in args:
            raise ConfigError(f"{path}: {value!r}, expected one of {', '.join(map(repr, args))}")
        return value
    if origin is tuple:
        return tuple(
            _value(args[0], one, f"{path}[{i}]") for i, one in enumerate(typed(value, list, path))
        )
    if origin is dict:
        table = typed(value, dict, path)
        return {key: _value(args[1], one, _join(path, key)) for key, one in table.items()}
    if hint is Any:
        return value
    if hint is float and type(value) is int:
        return float(value)
    return typed(value, hint, path)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
