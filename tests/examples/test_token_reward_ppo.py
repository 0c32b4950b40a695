"""Credit for captions against credit for words: a few steps of the example, against a server."""

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

from mmjudge.cli.server_process import own_server
from mmjudge.client import Client
from mmjudge.contract import ItemFailed

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "token_reward_ppo.py"
STEPS = 3


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """As the script sets it: threads that wait for each other cost more than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def example() -> Iterator[ModuleType]:
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    spec = importlib.util.spec_from_file_location("token_reward_ppo", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def address(example: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = tmp_path_factory.mktemp("judge") / "judge.toml"
    config.write_text(example.JUDGE, encoding="utf-8")
    with own_server(str(config)) as where:
        yield where


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Client]:
    with Client(address) as client:
        yield client


@pytest.fixture(scope="module")
def runs(example: ModuleType, client: Client) -> list[Any]:
    """Two seeds of both policies, for a few steps."""
    return compare(example, client, range(2))


def compare(example: ModuleType, client: Client, seeds: range) -> list[Any]:
    objects = example.read_objects()
    judge = example.Judge(client, objects)
    runs: list[Any] = example.compare(judge, objects, seeds, STEPS, example.LEARNING_RATE)
    return runs


def test_both_policies_spend_the_same_budget_and_start_alike(runs: list[Any]) -> None:
    order = [(run.seed, run.credit) for run in runs]
    assert order == [(0, "sequence"), (0, "token"), (1, "sequence"), (1, "token")]
    assert {(run.calls, run.captions) for run in runs} == {(STEPS, STEPS * 8 * 8)}
    for sequence, token in (runs[:2], runs[2:]):
        assert (sequence.before, sequence.reward[0]) == (token.before, token.reward[0])
        assert sequence.reward[1:] != token.reward[1:]
    assert runs[0].reward[0] != runs[2].reward[0]
    for run in runs:
        curves = np.array([run.reward, run.false])
        assert curves.shape == (2, STEPS)
        assert np.isfinite(curves).all()
        assert 0 < run.after <= 1 and 0.85 < run.before < 0.95


def test_a_seed_gives_the_same_curves_again(
    example: ModuleType, client: Client, runs: list[Any]
) -> None:
    assert compare(example, client, range(1, 2)) == runs[2:]


def test_a_word_is_credited_with_its_own_reward_or_with_its_captions_mean(
    example: ModuleType,
) -> None:
    rewards = torch.tensor([[[1.0, 0.0, 0.0, 3.0], [0.0, 0.0, 0.0, 0.0]]])
    own = example.advantages(rewards, "token")
    assert own[0].tolist() == [[0.5, 0.0, 0.0, 1.5], [-0.5, 0.0, 0.0, -1.5]]
    mean = example.advantages(rewards, "sequence")
    assert mean[0].tolist() == [[0.5] * 4, [-0.5] * 4]


def test_the_policy_starts_uniform_and_repeats_no_word_of_a_caption(example: ModuleType) -> None:
    torch.manual_seed(0)
    policy = example.Policy(2, 6)
    captions, logs = policy(50)
    assert captions.shape == logs.shape == (2, 50, example.LENGTH)
    assert all(len(set(row)) == example.LENGTH for row in captions.flatten(0, 1).tolist())
    uniform = torch.tensor([1 / 6, 1 / 5, 1 / 4, 1 / 3]).log()
    torch.testing.assert_close(logs, uniform.expand_as(logs))
    given, again = policy(50, captions)
    assert torch.equal(given, captions) and torch.equal(again, logs)


def test_a_word_has_its_reward_wherever_it_stands(example: ModuleType, client: Client) -> None:
    objects = example.read_objects()
    cat, astronaut, cup, rocket = map(objects.words.index, ("cat", "astronaut", "cup", "rocket"))
    captions = torch.tensor([[cat, astronaut, cup, rocket], [rocket, cup, astronaut, cat]])
    rewards = example.Judge(client, objects).rewards(captions.expand(8, 2, 4))
    assert torch.equal(rewards[:, 0], rewards[:, 1].flip(-1))
    chelsea, coffee = map(objects.files.index, ("chelsea.png", "coffee.png"))
    assert rewards[chelsea, 0].argmax() == 0
    assert rewards[coffee, 0].argmax() == 2


def test_no_word_is_both_true_and_false(example: ModuleType) -> None:
    listed = json.loads(example.OBJECTS.read_text(encoding="utf-8"))["photographs"]
    objects = example.read_objects()
    for file, words in example.ALSO_TRUE.items():
        assert set(words) <= set(objects.words)
        assert not {*words} & {*listed[file]["true"], *listed[file]["false"]}
    cat, dog = objects.words.index("cat"), objects.words.index("dog")
    captions = torch.tensor([cat, dog]).expand(8, 3, 2)
    # A dog is in none of the eight photographs, a cat in one.
    assert objects.false_rate(captions) == pytest.approx(15 / 16)


def test_a_photograph_that_cannot_be_judged_ends_the_run(
    example: ModuleType, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    monkeypatch.setattr(example, "PHOTOS", tmp_path)
    objects = example.Objects(["broken.png"], ["cat", "dog"], torch.tensor([[True, False]]))
    with pytest.raises(ItemFailed):
        example.Judge(client, objects).rewards(torch.tensor([[[0, 1]]]))


def test_the_script_draws_and_writes_what_it_compared(
    example: ModuleType,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    output = tmp_path / "curves.png"
    arguments = ["--seeds", "2", "--steps", "2", "--address", address, "--output", str(output)]
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *arguments])
    example.main()
    assert output.read_bytes().startswith(b"\x89PNG")
    written = json.loads(output.with_suffix(".json").read_text(encoding="utf-8"))
    assert [len(run["reward"]) for run in written["runs"]] == [2] * 4
    assert "token - sequence, after" in written
    assert written["token - sequence, before"] in capsys.readouterr().out
