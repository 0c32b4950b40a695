"""Kinds of judges: found without importing, loaded with a useful word when that fails."""

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from mmjudge.contract.errors import SetupError
from mmjudge.judges import registry
from mmjudge.judges.clip import ClipJudge
from mmjudge.judges.registry import GROUP, KindNotFound, KindNotLoadable, kinds, load_kind

Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Have other kinds installed: name -> `module:Class`, or pairs where a name comes twice."""

    def install(*pairs: tuple[str, str]) -> None:
        points = EntryPoints(EntryPoint(name, value, GROUP) for name, value in pairs)
        monkeypatch.setattr(registry, "entry_points", lambda group: points.select(group=group))

    return install


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Write a module that can be imported; returns its name."""

    def write(source: str) -> str:
        (tmp_path / "some_plug_in.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "some_plug_in", raising=False)
        return "some_plug_in"

    return write


def test_listing_imports_nothing() -> None:
    code = """
import sys
from mmjudge.judges.registry import kinds
before = set(sys.modules)
assert "clip" in kinds(), kinds()
loaded = set(sys.modules) - before
print(sorted(name for name in sys.modules if name in ("torch", "mmjudge.judges.clip")))
print(sorted(name for name in loaded if name.startswith("mmjudge")))
"""
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_a_built_in_kind_comes_through_the_same_door() -> None:
    assert kinds()["clip"].value == "mmjudge.judges.clip:ClipJudge"
    assert load_kind("clip") is ClipJudge


def test_a_class_may_be_named_by_its_module() -> None:
    assert load_kind("mmjudge.judges.clip:ClipJudge") is ClipJudge


def test_an_unknown_kind_is_told_the_nearest() -> None:
    with pytest.raises(KindNotFound, match="'clpi': did you mean 'clip'"):
        load_kind("clpi")


def test_a_kind_near_to_none_is_told_all(install: Install) -> None:
    install(("one", "a:A"), ("two", "b:B"))
    with pytest.raises(KindNotFound, match="'zebra': installed are one, two"):
        load_kind("zebra")


def test_two_packages_may_not_claim_one_kind(install: Install) -> None:
    install(("mine", "a:A"), ("mine", "b:B"))
    with pytest.raises(SetupError, match="'mine' is claimed by a:A and b:B: uninstall one"):
        kinds()


def test_one_kind_found_twice_is_one(install: Install) -> None:
    install(("mine", "a:A"), ("mine", "a:A"))
    assert list(kinds()) == ["mine"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_package_at_all", "No module named 'no_such_package_at_all'"),
        ("from json import no_such_name", "cannot import name 'no_such_name'"),
        ("Other = 1", "no attribute 'Judge'"),
        ("raise RuntimeError('libfoo.so is not here')", "libfoo.so is not here"),
        ("raise OSError('libbar.so is not here')", "libbar.so is not here"),
        ("1 +", "invalid syntax"),
    ],
)
@pytest.mark.parametrize("by_name", [True, False])
def test_a_broken_kind_is_named_with_its_package_and_the_fix(
    source: str, why: str, by_name: bool, module: Callable[[str], str], install: Install
) -> None:
    place = f"{module(source)}:Judge"
    install(("mine", place))
    kind = "mine" if by_name else place
    with pytest.raises(KindNotLoadable) as raised:
        load_kind(kind)
    told = str(raised.value)
    assert f"kind {kind!r} of package some_plug_in does not import" in told
    assert why in told and "install" in told


def test_the_distribution_is_named_where_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    point = kinds()["clip"]
    broken = EntryPoint("clip", "mmjudge.judges.clip:Gone", GROUP)
    vars(broken).update(dist=point.dist)
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints([broken]))
    with pytest.raises(KindNotLoadable, match="of package mmjudge does not import"):
        load_kind("clip")


@pytest.mark.parametrize(
    "kind", [":", "module:", ":Class", "my-package.mod:Class", "a b:C", "a:b:c"]
)
def test_a_place_that_cannot_be_one_is_told_what_is_expected(kind: str) -> None:
    with pytest.raises(KindNotFound, match="package.module:Class"):
        load_kind(kind)


@pytest.mark.parametrize("kind", ["json:loads", "json:JSONDecoder"])
def test_a_class_that_is_no_judge_is_told_what_it_lacks(kind: str) -> None:
    with pytest.raises(KindNotLoadable, match="no judge.*Options.*Backbone"):
        load_kind(kind)
