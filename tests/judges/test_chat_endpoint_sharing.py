"""Equal questions to a chat endpoint are sent once; who leaves, leaves; and all ends in order."""

import asyncio
from dataclasses import replace

import pytest
from tests.judges.chat_server import (
    Said,
    Waits,
    asking,
    chat_server,
    completion,
    likeliest,
    question,
    until,
)
from tests.judges.direct_host import DirectHost

from mmjudge.contract.errors import ItemError, Unavailable
from mmjudge.judges.backbones.chat_endpoint import ChatEndpoint
from mmjudge.judges.backbones.generator import Generator, Question, Reply, Sampling
from mmjudge.judges.backbones.generator_config import GeneratorConfig
from mmjudge.judges.judge import Closing
from mmjudge.judges.operation import Computed

HELD = Said(completion().body, held=True)
DRAWN = Sampling(temperature=1.0)


def asked(
    generator: Generator,
    sampling: Sampling = Sampling(),  # noqa: B008 - frozen
    sample: int = 0,
    shown: Question | None = None,
) -> asyncio.Task[Computed[Reply]]:
    """A reply on its way."""
    return asyncio.create_task(generator.reply(shown or question(), sampling, sample))


async def test_equal_questions_in_flight_are_sent_once_and_later_ones_again() -> None:
    async with chat_server(HELD) as server, asking(server) as generator:
        tasks = [asked(generator, sample=sample) for sample in range(5)]
        tasks += [asked(generator, DRAWN, 3) for _ in range(5)]
        await until(lambda: server.running == 2)
        server.let_go.set()
        assert {task.value.text for task in await asyncio.gather(*tasks)} == {"fine"}
        assert len(server.requests) == 2
        await asked(generator)
        assert len(server.requests) == 3


async def test_questions_that_differ_in_anything_are_sent_each() -> None:
    async with chat_server(HELD) as server, asking(server) as generator:
        tasks = [
            asked(generator),
            asked(generator, Sampling(max_new_tokens=7)),
            asked(generator, shown=question("another")),
            asked(generator, DRAWN),
            asked(generator, DRAWN, 1),
        ]
        await until(lambda: server.running == len(tasks))
        server.let_go.set()
        await asyncio.gather(*tasks)
    assert len(server.requests) == len(tasks)


async def test_chances_are_shared_for_equal_answers() -> None:
    held = Said(likeliest(("5", -1.0)).body, held=True)
    async with chat_server(held) as server, asking(server) as generator:
        wanted = [("5",), ("5",), ("4", "5")]
        calls = [generator.chances(question(), answers) for answers in wanted]
        together = asyncio.gather(*calls)
        await until(lambda: server.running == 2)
        server.let_go.set()
        assert [found.value.shape for found in await together] == [(1,), (1,), (2,)]


async def test_a_failure_reaches_all_who_wait_and_none_who_come_later() -> None:
    refused = Said(b"no", 400, held=True)
    async with chat_server(refused, completion()) as server, asking(server) as generator:
        tasks = [asked(generator) for _ in range(3)]
        await until(lambda: server.running == 1)
        server.let_go.set()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, ItemError)
        assert (await asked(generator)).value.text == "fine"


async def test_one_who_leaves_does_not_take_the_answer_along() -> None:
    async with chat_server(HELD) as server, asking(server) as generator:
        first, second = asked(generator), asked(generator)
        await until(lambda: server.running == 1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        server.let_go.set()
        assert (await second).value.text == "fine"
        assert (server.abandoned, len(server.requests)) == (0, 1)


async def test_the_last_who_leaves_takes_the_request_along_and_the_slot_is_free() -> None:
    async with chat_server(HELD, completion()) as server:
        async with asking(server, concurrency=1) as generator:
            tasks = [asked(generator) for _ in range(3)]
            await until(lambda: server.running == 1)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await until(lambda: server.abandoned == 1)
            assert (await asked(generator)).value.text == "fine"
            assert len(server.requests) == 2


async def test_a_callers_deadline_reaches_the_server() -> None:
    async with chat_server(HELD) as server, asking(server) as generator:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(None) as deadline:
                reached = asyncio.create_task(until(lambda: server.running == 1))
                reached.add_done_callback(lambda _: deadline.reschedule(0.0))
                await generator.reply(question(), Sampling())
        await until(lambda: server.abandoned == len(server.requests) == 1)


async def test_one_who_leaves_while_it_waits_to_try_again_is_not_sent_again() -> None:
    waits, asleep = Waits(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        asleep.set()
        await asyncio.Event().wait()

    waits.chance = replace(waits.chance, sleep=sleep)
    async with chat_server(Said(b"", 500)) as server, asking(server, waits) as generator:
        task = asked(generator)
        await asleep.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(server.requests) == 1


async def test_closing_fails_what_is_in_flight_and_what_comes_later() -> None:
    async with chat_server(HELD) as server:
        endpoint = ChatEndpoint(GeneratorConfig(model="tiny", endpoint=server.url, concurrency=1))
        assert isinstance(endpoint, Closing)
        generator = endpoint.serve(DirectHost())
        tasks = [asked(generator), asked(generator), asked(generator, shown=question("waits"))]
        await until(lambda: server.running == 1)
        tasks.append(asked(generator, shown=question("has not begun")))
        await asyncio.sleep(0)
        await endpoint.aclose()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(outcome, Unavailable), outcome
        with pytest.raises(Unavailable, match="stopping"):
            await generator.reply(question(), Sampling())
        await endpoint.aclose()
        await until(lambda: server.abandoned == 1)
        assert len(server.requests) == 1


async def test_closing_what_was_never_used_does_nothing() -> None:
    await ChatEndpoint(GeneratorConfig(endpoint="http://127.0.0.1:1/v1")).aclose()
