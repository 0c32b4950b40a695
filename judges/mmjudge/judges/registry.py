"""Kinds of judges: built-in and installed ones through one entry-point group."""

from dataclasses import is_dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from mmjudge.contract.errors import SetupError
from mmjudge.judges.judge import Judge

GROUP = "mmjudge.judges"


class KindNotFound(ValueError):
    """No installed package offers this kind of judge."""


class KindNotLoadable(SetupError):
    """A kind of judge is installed but its module does not import, or holds no judge."""


def kinds() -> dict[str, EntryPoint]:
    """Installed kinds by name; importing none. Raises `SetupError` if two packages claim one."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise SetupError(
                f"kind {point.name!r} is claimed by {other.value} and {point.value}: "
                "uninstall one of the packages"
            )
    return found


def load_kind(kind: str) -> type[Judge]:
    """Import a kind: a name in the entry-point group, or `package.module:Class`.

    Raises `KindNotFound` with the nearest name, or `KindNotLoadable` with the package and fix.
    """
    if ":" in kind:
        if not all(name.isidentifier() for name in kind.replace(":", ".", 1).split(".")):
            raise KindNotFound(f"{kind!r} cannot be imported: expected package.module:Class")
        return _load(EntryPoint(kind, kind, GROUP))
    installed = kinds()
    if kind not in installed:
        near = get_close_matches(kind, installed, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"installed are {', '.join(installed)}"
        raise KindNotFound(f"no kind of judge is called {kind!r}: {hint}")
    return _load(installed[kind])


def _load(point: EntryPoint) -> type[Judge]:
    package = point.dist.name if point.dist else point.module.partition(".")[0]
    name = f"kind {point.name!r} of package {package}"
    try:
        loaded: type[Judge] = getattr(import_module(point.module), point.attr)
    except Exception as error:  # a module that lacks a library raises anything at all
        raise KindNotLoadable(
            f"{name} does not import ({error}): "
            f"install what it needs, e.g. pip install 'mmjudge[server]'"
        ) from error
    if not all(is_dataclass(getattr(loaded, part, None)) for part in ("Options", "Backbone")):
        raise KindNotLoadable(f"{name} is no judge: it lacks a dataclass Options or Backbone")
    return loaded
