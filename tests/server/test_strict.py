"""Tables into dataclasses: every mistake is named by its path."""

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmjudge.server.strict import ConfigError, build


@dataclass(frozen=True, slots=True)
class Inner:
    """A table in a table."""

    depth: int = 0
    mode: Literal["fast", "exact"] = "fast"


@dataclass(frozen=True, slots=True)
class Outer:
    """One field of each type that configuration uses."""

    name: str
    count: int = 1
    share: float = 0.5
    loud: bool = False
    words: tuple[str, ...] = ()
    rows: tuple[Inner, ...] = ()
    inner: Inner = Inner()
    named: dict[str, Inner] = field(default_factory=dict)
    anything: Any = None


FULL = {
    "name": "n",
    "count": 2,
    "share": 0.25,
    "loud": True,
    "words": ["a", "b"],
    "rows": [{"depth": 1}, {}],
    "inner": {"mode": "exact"},
    "named": {"one": {"depth": 3}},
    "anything": {"goes": [1]},
}


def test_every_field_arrives() -> None:
    assert build(Outer, FULL) == Outer(
        name="n",
        count=2,
        share=0.25,
        loud=True,
        words=("a", "b"),
        rows=(Inner(1), Inner()),
        inner=Inner(mode="exact"),
        named={"one": Inner(3)},
        anything={"goes": [1]},
    )


def test_what_is_left_out_has_its_default() -> None:
    assert build(Outer, {"name": "n"}) == Outer("n")


def test_a_whole_number_is_a_number() -> None:
    built = build(Outer, {"name": "n", "share": 3})
    assert built.share == 3.0 and type(built.share) is float


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nmae": "x"}, "nmae: unknown key; did you mean 'name'?"),
        ({"inner": {"dept": 1}}, "inner.dept: unknown key; did you mean 'depth'?"),
        ({"inner": {"zzz": 1}}, "inner.zzz: unknown key; expected one of depth, mode"),
        ({"rows": [{}, {"modus": 1}]}, "rows[1].modus: unknown key; did you mean 'mode'?"),
        ({"named": {"a b": {"dpth": 1}}}, "named.a b.dpth: unknown key; did you mean 'depth'?"),
        ({"name": 3}, "name: 3, expected a string"),
        ({"count": "3"}, "count: '3', expected an integer"),
        ({"count": 1.0}, "count: 1.0, expected an integer"),
        ({"count": True}, "count: True, expected an integer"),
        ({"share": True}, "share: True, expected a number"),
        ({"share": "0.5"}, "share: '0.5', expected a number"),
        ({"loud": 1}, "loud: 1, expected true or false"),
        ({"words": "ab"}, "words: 'ab', expected an array"),
        ({"words": ["a", 1]}, "words[1]: 1, expected a string"),
        ({"rows": [{}, 3]}, "rows[1]: 3, expected a table"),
        ({"rows": [{"depth": 1.5}]}, "rows[0].depth: 1.5, expected an integer"),
        ({"inner": 3}, "inner: 3, expected a table"),
        ({"inner": {"mode": "slow"}}, "inner.mode: 'slow', expected one of 'fast', 'exact'"),
        ({"inner": {"mode": ["fast"]}}, "inner.mode: ['fast'], expected one of 'fast', 'exact'"),
        ({"named": []}, "named: [], expected a table"),
        ({"named": {"one": 1}}, "named.one: 1, expected a table"),
    ],
)
def test_a_mistake_is_named_by_its_path(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        build(Outer, FULL | change)
    assert str(wrong.value) == message


def test_a_path_given_stands_before_the_keys() -> None:
    with pytest.raises(ConfigError) as wrong:
        build(Inner, {"deph": 1}, "judges.a")
    assert str(wrong.value) == "judges.a.deph: unknown key; did you mean 'depth'?"


def test_what_is_required_is_missed() -> None:
    with pytest.raises(ConfigError, match=r"^name: missing$"):
        build(Outer, {})


def test_a_misspelt_required_key_is_called_misspelt_and_not_missing() -> None:
    with pytest.raises(ConfigError, match=r"^nam: unknown key; did you mean 'name'\?$"):
        build(Outer, {"nam": "n"})


KEYS = st.sampled_from(["name", "count", "inner", "rows", "nope", "depth"])
VALUES = st.recursive(
    st.sampled_from([None, True, 0, 3, 0.5, float("nan"), "", "fast"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(KEYS, VALUES))
def test_no_table_is_a_crash(table: dict[str, Any]) -> None:
    try:
        assert isinstance(build(Outer, table).count, int)
    except ConfigError as error:
        assert str(error).split(":")[0].split(".")[0].split("[")[0] in {*table, "name"}
