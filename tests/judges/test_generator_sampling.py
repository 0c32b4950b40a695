"""Draws are reproducible, independent of the batch, and distributed as the model says."""

import pytest
import torch
from tests.judges.loaded_generators import ask, generator, picture, questions, replies

from mmjudge.judges.backbones.generator import Sampling
from mmjudge.judges.backbones.gumbel_draws import GumbelDraws, seed_of
from mmjudge.judges.backbones.reply_operation import Request

pytestmark = pytest.mark.usefixtures("one_thread")
WARM = Sampling(8, temperature=1.0, seed=3)


@pytest.mark.parametrize("family", ["llava", "qwen2_5_vl"])
def test_a_draw_does_not_depend_on_the_batch(family: str) -> None:
    model = generator(family)
    asked = questions()
    alone = [replies(model, [one], [WARM])[0] for one in asked]
    assert replies(model, asked, [WARM] * 4) == alone
    mixed = replies(model, asked[::-1], [WARM, Sampling(3), WARM, Sampling(8)])
    assert (mixed[0], mixed[2]) == (alone[3], alone[1])
    greedy = replies(model, [asked[2], asked[0]], [Sampling(3), Sampling(8)])
    assert [mixed[1], mixed[3]] == greedy


def test_samples_and_seeds_differ_and_come_again() -> None:
    model = generator("llava")
    question = ask(picture(0), "describe it")
    first = replies(model, [question] * 4, [WARM] * 4, [0, 1, 2, 3])
    assert len({reply.text for reply in first}) == 4
    assert replies(model, [question] * 4, [WARM] * 4, [0, 1, 2, 3]) == first
    other = replies(model, [question], [Sampling(8, temperature=1.0, seed=4)])[0]
    assert other not in first


def test_greedy_answers_have_one_key_whatever_the_seed() -> None:
    key = generator("llava").reply.key
    question = ask("a")
    assert key(Request(question, Sampling(8, seed=1), 2)) == key(Request(question, Sampling(8)))
    different = [
        Request(question, Sampling(8)),
        Request(question, Sampling(9)),
        Request(ask("b"), Sampling(8)),
        Request(question, WARM),
        Request(question, WARM, 1),
        Request(question, Sampling(8, temperature=1.0, seed=4)),
        Request(question, Sampling(8, temperature=0.5, seed=3)),
    ]
    assert len({key(request) for request in different}) == len(different)


def test_draws_follow_softmax_at_the_temperature() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0]])
    draws = 4000
    seeds = [seed_of(b"question", 0, sample) for sample in range(draws)]
    noisy = GumbelDraws([0.5] * draws, seeds)(torch.empty(0), logits.expand(draws, 4))
    counts = torch.bincount(noisy.argmax(1), minlength=4) / draws
    expected = (logits[0] / 0.5).softmax(0)
    assert (counts - expected).abs().max() < 4 * (0.25 / draws) ** 0.5


def test_a_row_of_temperature_zero_keeps_its_logits() -> None:
    logits = torch.randn(2, 7, dtype=torch.bfloat16)
    noisy = GumbelDraws([0.0, 1.0], [1, 2])(torch.empty(0), logits)
    assert noisy.dtype == torch.float32
    assert torch.equal(noisy[0], logits[0].float())
    assert not torch.equal(noisy[1], logits[1].float())
