"""What a generator says of a conversation does not depend on the others in its batch."""

import numpy as np
import pytest
import torch
from tests.judges.loaded_generators import FAMILIES, ask, generator, picture, questions, replies

from mmjudge.judges.backbones.chances_operation import Beginnings
from mmjudge.judges.backbones.generator import Sampling
from mmjudge.judges.backbones.likelihood_operation import Answered
from mmjudge.judges.backbones.reply_operation import Request

pytestmark = pytest.mark.usefixtures("one_thread")
ORDERS = [(0, 1, 2, 3), (2, 0), (3, 2, 2), (1, 3)]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_batch_says_what_each_says_alone(family: str) -> None:
    model = generator(family)
    asked = questions()
    alone = [replies(model, [one], [Sampling(8)])[0] for one in asked]
    assert len({reply.text for reply in alone}) == len(alone)
    for order in ORDERS:
        together = replies(model, [asked[at] for at in order], [Sampling(8)] * len(order))
        assert together == [alone[at] for at in order]


@pytest.mark.parametrize("family", FAMILIES)
def test_next_logits_do_not_depend_on_the_batch(family: str) -> None:
    model = generator(family)
    network = model.reply._network
    rows = [model.reply.prepare(Request(one, Sampling(1))).payload for one in questions()]
    inputs = [row.processed.inputs for row in rows]
    alone = [network.logits([row], 1)[0] for row in inputs]
    for order in ORDERS:
        together = network.logits([inputs[at] for at in order], 1)
        expected = torch.stack([alone[at] for at in order])
        assert (together - expected).abs().max() < 1e-4
        assert expected.std() > 0.1  # so that the tolerance means something


@pytest.mark.parametrize("family", FAMILIES)
def test_a_forward_pass_is_that_of_transformers_generate(family: str) -> None:
    model = generator(family)
    network = model.reply._network
    for question in questions():
        inputs = model.reply.prepare(Request(question, Sampling(1))).payload.processed.inputs
        made = network.network.generate(
            **inputs, max_new_tokens=1, output_logits=True, return_dict_in_generate=True
        )
        expected = made.logits[0].double().softmax(-1)
        prepared = model.chances.prepare(Beginnings(question, ("Yes", "[[A]]")))
        (found,) = model.chances.forward([prepared.payload])
        firsts = prepared.payload.firsts
        np.testing.assert_allclose(found, expected[0, firsts].numpy(), atol=1e-6)
        assert found.sum() <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_likelihood_is_that_of_the_tokens_one_by_one(family: str) -> None:
    model = generator(family)
    asked = [Answered(one, text) for one, text in zip(questions(), WORDS, strict=True)]
    payloads = [model.likelihood.prepare(one).payload for one in asked]
    together = model.likelihood.forward(payloads)
    for payload, found in zip(payloads, together, strict=True):
        inputs = dict(payload.inputs)
        count = len(payload.targets)
        for index in reversed(range(count)):
            logits = model.reply._network.logits([inputs], 1)[0, 0]
            expected = logits.double().softmax(-1)[payload.targets[index]].item()
            assert found[index] == pytest.approx(expected, abs=1e-6)
            length = inputs["input_ids"].shape
            inputs = {
                name: tensor[:, :-1] if tensor.shape == length else tensor
                for name, tensor in inputs.items()
            }
        assert found.shape == (count,) and count > 1


WORDS = ("Yes", "a cup of coffee", "No", "the quick brown fox is it")


@pytest.mark.parametrize("family", FAMILIES)
def test_each_item_of_a_batch_is_cut_at_its_own_limit(family: str) -> None:
    model = generator(family)
    asked = [ask(picture(0), "describe it"), ask("and you?"), ask("go on", picture(1))]
    limits = [1, 9, 4]
    alone = [
        replies(model, [one], [Sampling(most)])[0] for one, most in zip(asked, limits, strict=True)
    ]
    assert replies(model, asked, [Sampling(most) for most in limits]) == alone
    ids = model.reply._network.continuations(
        [model.reply.prepare(Request(one, Sampling(1))).payload.processed.inputs for one in asked],
        limits,
        None,
    )
    ends = model.reply._network.ends
    for row, most in zip(ids, limits, strict=True):
        assert len(row) == most or row[-1] in ends


def test_an_answer_that_ends_is_finished_and_one_that_is_cut_is_not() -> None:
    model = generator("llava")
    question = questions()[1]
    long = replies(model, [question], [Sampling(6)])[0]
    assert not long.finished
    inputs = model.reply.prepare(Request(question, Sampling(6))).payload.processed.inputs
    network = model.reply._network
    (ids,) = network.continuations([inputs], [6], None)
    ends, network.ends = network.ends, (ids[3],)
    try:
        ended = replies(model, [question], [Sampling(6)])[0]
    finally:
        network.ends = ends
    assert ended.finished
    stop = ids.index(ids[3])
    assert ended.text == model.reply._processor.words(ids[:stop])
