"""The configuration file: what it may say, and how its mistakes are told."""

import pickle
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from tests.server.fakes import FakeBackbone, FakeJudge, FakeOptions

from mmjudge.judges.backbones.dual_encoder import DualEncoderConfig
from mmjudge.judges.clip import ClipJudge, ClipOptions
from mmjudge.judges.judge import JudgeConfig
from mmjudge.judges.registry import KindNotLoadable
from mmjudge.server.config import (
    DEFAULT_JUDGES,
    CacheConfig,
    LimitsConfig,
    QueueConfig,
    ServerConfig,
    judge_configs,
    read_config,
)
from mmjudge.server.strict import ConfigError, build

# The example of the design, with a kind that is there.
EXAMPLE = """
address = "127.0.0.1:50051"
[backbones.clip_l]
model = "ViT-L-14/openai"
device = "cuda:0"
[judges.alignment]
kind = "clip"
backbone = "clip_l"
[judges.fisao]
kind = "clip"
backbone = "clip_l"
score = "clipscore"
"""

EVERYTHING = """
address = "0.0.0.0:0"
metrics_address = "127.0.0.1:9090"
grace = 5
prepare_threads = 3
image_roots = ["/data", "/more"]
[limits]
max_message_bytes = 1
max_items = 2
max_candidates = 3
max_text_bytes = 4
[queue]
max_pending_items = 5
max_pending_bytes = 6
[cache]
feature_bytes = 7
image_bytes = 8
[backbones.tuned]
operation = "x"
[judges.one]
kind = "tests.server.fakes:FakeJudge"
backbone = "tuned"
words = ["a"]
"""

FAKE = {"kind": "tests.server.fakes:FakeJudge"}


def parsed(text: str) -> ServerConfig:
    return build(ServerConfig, tomllib.loads(text))


def judges(table: dict[str, Any], **backbones: dict[str, Any]) -> list[JudgeConfig]:
    return judge_configs(ServerConfig(judges={"a": table}, backbones=backbones))


def test_the_example_of_the_design_is_read() -> None:
    backbone = DualEncoderConfig(model="ViT-L-14/openai", device="cuda:0")
    assert judge_configs(parsed(EXAMPLE)) == [
        JudgeConfig("alignment", ClipJudge, backbone, ClipOptions()),
        JudgeConfig("fisao", ClipJudge, backbone, ClipOptions(score="clipscore")),
    ]


def test_everything_that_can_be_set_is_read() -> None:
    config = parsed(EVERYTHING)
    assert config == ServerConfig(
        address="0.0.0.0:0",
        metrics_address="127.0.0.1:9090",
        grace=5.0,
        prepare_threads=3,
        image_roots=("/data", "/more"),
        limits=LimitsConfig(1, 2, 3, 4),
        queue=QueueConfig(5, 6),
        cache=CacheConfig(7, 8),
        backbones={"tuned": {"operation": "x"}},
        judges={"one": {**FAKE, "backbone": "tuned", "words": ["a"]}},
    )
    assert judge_configs(config) == [
        JudgeConfig("one", FakeJudge, FakeBackbone("x"), FakeOptions(words=("a",)))
    ]


def test_an_empty_file_is_the_defaults() -> None:
    assert parsed("") == ServerConfig()


def test_a_judge_may_hold_its_backbone_s_settings_itself() -> None:
    (found,) = judges({**FAKE, "operation": "mine", "tries": 2, "weight": 2})
    assert (found.backbone, found.options) == (FakeBackbone("mine"), FakeOptions(tries=2, weight=2))


def test_judges_that_agree_on_a_backbone_have_equal_ones() -> None:
    left, right = judge_configs(
        ServerConfig(
            judges={"left": {**FAKE, "operation": "x"}, "right": {**FAKE, "backbone": "named"}},
            backbones={"named": {"operation": "x"}},
        )
    )
    assert left.backbone == right.backbone and hash(left.backbone) == hash(right.backbone)


def test_the_default_judge_is_valid() -> None:
    (found,) = judge_configs(ServerConfig(judges=dict(DEFAULT_JUDGES)))
    assert (found.name, found.backbone) == ("photo-lite", DualEncoderConfig("photo-lite"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("adress = 'x'", "adress: unknown key; did you mean 'address'?"),
        ("port = 1", "port: unknown key; expected one of address, backbones, cache, grace,"),
        ("[limit]\nmax_items = 1", "limit: unknown key; did you mean 'limits'?"),
        ("[limits]\nmax_item = 1", "limits.max_item: unknown key; did you mean 'max_items'?"),
        ("[limits]\nmax_items = true", "limits.max_items: True, expected an integer"),
        ("[cache]\nfeature_bytes = 1.5", "cache.feature_bytes: 1.5, expected an integer"),
        ("grace = '3'", "grace: '3', expected a number"),
        ("image_roots = 'a'", "image_roots: 'a', expected an array"),
        ("image_roots = ['a', 2]", "image_roots[1]: 2, expected a string"),
        ("judges = 3", "judges: 3, expected a table"),
        ("[judges]\na = 3", "judges.a: 3, expected a table"),
        ("[[judges.a]]", "judges.a: [{}], expected a table"),
        ("backbones.a = 'x'", "backbones.a: 'x', expected a table"),
        ("address = ", "not TOML"),
    ],
)
def test_a_mistake_is_named_by_file_and_path(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "judges.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as wrong:
        read_config(file)
    assert str(wrong.value).startswith(f"{file}: {message}")


def test_a_file_that_is_not_text_is_not_toml(tmp_path: Path) -> None:
    file = tmp_path / "judges.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not TOML"):
        read_config(file)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_config(tmp_path / "missing.toml")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "judges.a.kind: None, expected the name of a kind, e.g. 'clip'"),
        ({"kind": 3}, "judges.a.kind: 3, expected the name of a kind, e.g. 'clip'"),
        ({"kind": "clp"}, "judges.a.kind: no kind of judge is called 'clp': did you mean 'clip'?"),
        ({**FAKE, "shuot": True}, "judges.a.shuot: unknown key; did you mean 'shout'?"),
        ({**FAKE, "opration": "x"}, "judges.a.opration: unknown key; did you mean 'operation'?"),
        ({**FAKE, "bakbone": "x"}, "judges.a.bakbone: unknown key; did you mean 'backbone'?"),
        ({**FAKE, "tries": True}, "judges.a.tries: True, expected an integer"),
        ({**FAKE, "operation": 3}, "judges.a.operation: 3, expected a string"),
        ({**FAKE, "words": ["a", 1]}, "judges.a.words[1]: 1, expected a string"),
        ({**FAKE, "backbone": "tund"}, "judges.a.backbone: 'tund'; did you mean 'tuned'?"),
        ({**FAKE, "backbone": "other"}, "judges.a.backbone: 'other'; expected one of tuned, wrong"),
        ({**FAKE, "backbone": 3}, "judges.a.backbone: 3, expected the name of a backbones table"),
        (
            {**FAKE, "backbone": ["a"]},
            "judges.a.backbone: ['a'], expected the name of a backbones table",
        ),
        ({**FAKE, "backbone": {}}, "judges.a.backbone: {}, expected the name of a backbones table"),
        (
            {**FAKE, "backbone": "tuned", "operation": "x"},
            "judges.a: operation belong into backbones.tuned, which it refers to",
        ),
        ({**FAKE, "backbone": "wrong"}, "backbones.wrong.oparation: unknown key; did you mean"),
        ({"kind": "clip", "score": "cos"}, "judges.a.score: 'cos', expected one of 'cosine',"),
        ({"kind": "clip", "dtype": "int8"}, "judges.a.dtype: 'int8', expected one of 'float32',"),
    ],
)
def test_a_mistake_in_a_judge_is_named_by_its_path(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        judges(table, tuned={"operation": "x"}, wrong={"oparation": "x"})
    assert str(wrong.value).startswith(message)


def test_a_backbone_named_where_there_are_none_says_so() -> None:
    with pytest.raises(ConfigError, match=r"^judges.a.backbone: 'x'; there is none$"):
        judges({**FAKE, "backbone": "x"})


@dataclass(frozen=True)
class Demanding:
    """Settings without a default."""

    operation: str


class DemandingJudge(FakeJudge):
    """A kind whose backbone has to be told."""

    Backbone: ClassVar[type[Any]] = Demanding


def test_a_misspelt_required_setting_is_called_misspelt_and_not_missing() -> None:
    kind = {"kind": f"{__name__}:DemandingJudge"}
    with pytest.raises(ConfigError, match=r"^judges.a.opration: unknown key; did you mean"):
        judges({**kind, "opration": "x"})
    with pytest.raises(ConfigError, match=r"^judges.a.operation: missing$"):
        judges(kind)


def test_a_kind_that_does_not_import_stops_with_its_package() -> None:
    with pytest.raises(KindNotLoadable, match="of package no_such_package does not import"):
        judges({"kind": "no_such_package.judges:Judge"})


@pytest.mark.parametrize("config", [DualEncoderConfig(), FakeBackbone("x")])
def test_a_backbone_s_settings_can_be_sent_to_another_process(config: object) -> None:
    assert pickle.loads(pickle.dumps(config)) == config
