"""The stopwatch: the longest of each stage, for each request by itself."""

import asyncio

from mmjudge.contract.verdicts import Timing
from mmjudge.server.stopwatch import Stopwatch, current_stopwatch


def test_the_longest_of_each_stage_is_kept() -> None:
    watch = Stopwatch()
    watch.add(Timing(1, 5, 2))
    watch.add(Timing(3, 4, 1))
    assert watch.timing == Timing(3, 5, 2)


async def test_requests_do_not_see_each_others_time() -> None:
    async def request(seconds: float) -> Timing:
        watch = Stopwatch()
        current_stopwatch.set(watch)

        async def item() -> None:
            await asyncio.sleep(0)
            current_stopwatch.get().add(Timing(queue=seconds))

        await asyncio.gather(*(asyncio.create_task(item()) for _ in range(3)))
        return watch.timing

    tasks = [asyncio.create_task(request(seconds)) for seconds in (1, 2)]
    assert await asyncio.gather(*tasks) == [Timing(queue=1), Timing(queue=2)]
