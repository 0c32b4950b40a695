"""A judge's section inside another judge's section of the configuration."""

import tomllib
from dataclasses import dataclass
from typing import ClassVar

import pytest
from tests.server.fakes import FakeBackbone, FakeJudge

from mmjudge.judges.judge import JudgeConfig
from mmjudge.server.config import ServerConfig, judge_configs
from mmjudge.server.strict import ConfigError, build

SECTION = """
[backbones.tuned]
operation = "x"
[judges.outer]
kind = "tests.server.test_judge_sections:OverOneJudge"
[judges.outer.inner]
kind = "tests.server.fakes:FakeJudge"
backbone = "tuned"
"""


@dataclass(frozen=True, slots=True)
class OverOneOptions:
    """inner: the section of another judge."""

    inner: JudgeConfig


class OverOneJudge(FakeJudge):
    """Has another judge, and needs it."""

    Options: ClassVar = OverOneOptions


def read(text: str) -> list[JudgeConfig]:
    return judge_configs(build(ServerConfig, tomllib.loads(text)))


def test_it_is_read_as_judges_are() -> None:
    (outer,) = read(SECTION)
    inner = outer.options.inner
    assert isinstance(inner, JudgeConfig)
    assert (inner.name, inner.kind) == ("outer.inner", FakeJudge)
    assert isinstance(inner.backbone, FakeBackbone) and inner.backbone.operation == "x"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"tuned"', '"tund"', "judges.outer.inner.backbone: 'tund'; did you mean 'tuned'"),
        ("[judges.outer.inner]", "[[judges.outer.inner]]", r"judges.outer.inner: \[.*a table"),
        ("[judges.outer.inner]", "[judges.outer.iner]", "judges.outer.iner: unknown key; did you"),
        ('kind = "tests.server.fakes:FakeJudge"', "", "judges.outer.inner.kind: None, expected"),
    ],
)
def test_mistakes_in_it_are_named(old: str, new: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}"):
        read(SECTION.replace(old, new))


def test_it_may_be_required() -> None:
    with pytest.raises(ConfigError, match=r"^judges.outer.inner: missing"):
        read(SECTION.partition("[judges.outer.inner]")[0])
