"""Kinds of judges: built-in and installed ones through one entry-point group."""

from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from mmjudge.contract.errors import SetupError
from mmjudge.judges.judge import Judge

GROUP = "mmjudge.judges"


class KindNotFound(ValueError):
    """No installed package offers this kind of judge."""


class KindNotLoadable(SetupError):
    """A kind of judge is installed but its module does not import."""


def kinds() -> dict[str, EntryPoint]:
    """Installed kinds by name; importing none. Raises RuntimeError if two packages claim one."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        other = found.setdefault(point.name, point)
        if other.value != point.value:
            raise RuntimeError(
                f"kind {point.name!r} is claimed by {other.value} and {point.value}: "
                "uninstall one of the packages"
            )
    return found


def load_kind(kind: str) -> type[Judge]:
    """Import a kind: a name in the entry-point group, or `package.module:Class`.

    Raises `KindNotFound` with the nearest name, or `KindNotLoadable` with the package and fix.
    """
    if ":" in kind:
        return _load(EntryPoint(kind, kind, GROUP))
    installed = kinds()
    if kind not in installed:
        near = get_close_matches(kind, installed, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"installed are {', '.join(installed)}"
        raise KindNotFound(f"no kind of judge is called {kind!r}: {hint}")
    return _load(installed[kind])


def _load(point: EntryPoint) -> type[Judge]:
    try:
        loaded: type[Judge] = getattr(import_module(point.module), point.attr)
    except (ImportError, AttributeError) as error:
        package = point.dist.name if point.dist else point.module.partition(".")[0]
        raise KindNotLoadable(
            f"kind {point.name!r} of package {package} does not import ({error}): "
            f"install what it needs, e.g. pip install 'mmjudge[server]'"
        ) from error
    return loaded
