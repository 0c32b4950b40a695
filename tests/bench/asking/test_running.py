import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bench.asked_records import GUARD, IDS, RECORDS, ids, results
from tests.bench.fake_judges import (
    FakeClient,
    MemoryPicture,
    bias,
    by_digest,
    comparing,
    first_is_best,
    judge,
    pair,
)

from mmjudge.bench.asking.contenders import contender, perspectives_of
from mmjudge.bench.asking.running import BatchSize, run
from mmjudge.bench.asking.uploads import described
from mmjudge.bench.records import PictureFile, Record
from mmjudge.client import LocalClient
from mmjudge.client.errors import InvalidRequest, ServerFault
from mmjudge.contract import Error, ErrorCode, Item, Verdict, Violation, Want


def test_every_record_gets_a_row_in_the_data_sets_order(client: FakeClient, tmp_path: Path) -> None:
    outcome = client.run(RECORDS, tmp_path / "new" / "folder")
    tally = outcome.tallies["clip"]
    assert ids(tmp_path / "new" / "folder") == IDS
    assert (tally.asked, tally.judged, tally.skipped, outcome.identical) == (10, 10, 0, 0)
    assert tally.path == tmp_path / "new" / "folder" / "clip.jsonl"
    row = results(tmp_path / "new" / "folder").rows[0]
    assert len(row.given.values) == 2 and row.swapped is None and not row.given.ranks
    assert row.given.notes == ("NOTED: all of it",) and "[candidate 1]" in row.given.rationale


def test_records_go_out_in_batches_by_number_and_bytes(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path / "a", batch=4)
    assert sorted(len(call.items) for call in client.calls) == [2, 4, 4]
    client.calls.clear()
    size = 2 * len("picture 0/0.png")
    client.run(RECORDS, tmp_path / "b", batch=BatchSize(64, 3 * size))
    assert sorted(len(call.items) for call in client.calls) == [1, 3, 3, 3]
    client.calls.clear()
    client.run(RECORDS, tmp_path / "c", batch=BatchSize(64, 1))
    assert [len(call.items) for call in client.calls] == [1] * 10


def test_images_are_sent_as_they_are_stored(client: FakeClient, tmp_path: Path) -> None:
    data = b"\x89PNG no decoder would open this"
    (tmp_path / "0.png").write_bytes(data)
    pictures = (PictureFile(tmp_path, "0.png"),), (MemoryPicture("1.png", b"other"),)
    client.run([replace(RECORDS[0], candidates=pictures)], tmp_path)
    assert [contents for _, contents in client.calls[0].items] == [(data, b"other")]


def test_contenders_that_are_asked_alike_share_one_upload(
    client: FakeClient, tmp_path: Path
) -> None:
    client.run(RECORDS, tmp_path, "clip", "hps", batch=64)
    assert [(call.judges, call.want, len(call.items)) for call in client.calls] == [
        (["clip", "hps"], Want.SCORE, 10)
    ]
    assert ids(tmp_path, "hps") == IDS
    values = [results(tmp_path, name).rows[0].given.values for name in ("clip", "hps")]
    assert values[0] != values[1]


def test_contenders_of_one_judge_ask_it_once(tmp_path: Path) -> None:
    client = FakeClient([judge("quality")])
    client.run(RECORDS, tmp_path, "quality", "{perspective}", batch=64)
    assert [call.judges for call in client.calls] == [["quality"]]
    assert ids(tmp_path, "{perspective}") == ids(tmp_path, "quality") == IDS


def test_a_pattern_asks_a_judge_for_each_perspective(tmp_path: Path) -> None:
    client = FakeClient([judge("q-quality"), judge("q-bias")])
    records = [*RECORDS[:2], bias("nurse", 1), bias("nurse", 2)]
    client.run(records, tmp_path, "q-{perspective}")
    assert {tuple(call.judges): len(call.items) for call in client.calls} == {
        ("q-quality",): 2,
        ("q-bias",): 2,
    }
    assert [len(row.given.values) for row in results(tmp_path, "q-{perspective}").rows] == [
        2, 2, 1, 1
    ]  # fmt: skip


def test_a_judge_that_compares_is_shown_both_orders(tmp_path: Path) -> None:
    client = FakeClient([comparing("vlm")], say=first_is_best)
    client.run(RECORDS, tmp_path, "vlm", batch=64)
    (call,) = client.calls
    assert call.want is Want.PREFERENCE and len(call.items) == 20
    shown = dict[str, set[tuple[bytes, ...]]]()
    for id, contents in call.items:
        shown.setdefault(id, set()).add(contents)
    assert all(len(both) == 2 and len({frozenset(one) for one in both}) == 1
               for both in shown.values())  # fmt: skip
    for row in results(tmp_path, "vlm").rows:
        assert row.swapped and row.given.ranks == row.swapped.ranks == (1, 2)
        assert row.given.rationale == "the first, of course" and row.given.values == ()


def test_the_order_as_given_is_asked_once(tmp_path: Path) -> None:
    client = FakeClient([comparing("vlm")])
    whom = [client.contender("vlm", RECORDS, orders="given")]
    run(client, RECORDS, whom, tmp_path, benchmark="mjbench", location="data")
    assert len(client.asked) == 10
    assert all(row.swapped is None for row in results(tmp_path, "vlm").rows)


def test_judges_turned_round_and_not_share_what_both_are_shown(tmp_path: Path) -> None:
    client = FakeClient([comparing("vlm"), comparing("fair", "both")])
    client.run(RECORDS, tmp_path, "vlm", "fair", batch=64)
    assert {tuple(call.judges): len(call.items) for call in client.calls} == {
        ("vlm", "fair"): 10,
        ("vlm",): 10,
    }


def test_a_record_that_one_cannot_judge_is_asked_of_the_others(
    client: FakeClient, tmp_path: Path
) -> None:
    records = [RECORDS[0], bias("nurse", 1)]
    told: list[int] = []
    outcome = client.run(records, tmp_path, "clip", "vlm", progress=told.append)
    assert [len(results(tmp_path, name).rows) for name in ("clip", "vlm")] == [2, 1]
    assert list(outcome.tallies["vlm"].left_out) == ["bias"]
    assert outcome.tallies["vlm"].asked == 1 and sum(told) == 2


def test_identical_records_are_asked_about_once_and_counted(
    client: FakeClient, tmp_path: Path
) -> None:
    renamed = replace(RECORDS[0], candidates=tuple(
        (MemoryPicture(f"copy/{side}.png", f"picture 0/{side}.png".encode()),) for side in (0, 1)
    ))  # fmt: skip
    records = [RECORDS[0], RECORDS[1], RECORDS[0], renamed]
    for asked, skipped in ((2, 0), (0, 2)):
        told: list[int] = []
        outcome = client.run(records, tmp_path, progress=told.append)
        tally = outcome.tallies["clip"]
        assert (outcome.identical, tally.asked, tally.skipped, sum(told)) == (2, asked, skipped, 4)
    assert ids(tmp_path) == IDS[:2]


def test_abstentions_and_errors_that_stay_are_rows(client: FakeClient, tmp_path: Path) -> None:
    records = [pair("shy"), pair("bad"), RECORDS[0]]
    tally = client.run(records, tmp_path).tallies["clip"]
    assert (tally.judged, tally.abstained, tally.failed, tally.owed.total()) == (1, 1, 1, 0)
    shy, bad, _ = results(tmp_path).rows
    assert (shy.given.abstained, shy.given.raw_text) == ("UNPARSEABLE", "I… won't")
    assert (bad.given.failed, bad.given.values) == ("IMAGE_UNDECODABLE", ())
    assert client.run(records, tmp_path).tallies["clip"].asked == 0


def test_a_pair_is_owed_unless_both_orders_are_answered(tmp_path: Path) -> None:
    def away_when_swapped(name: str, item: Item, want: Want) -> Verdict:
        if b"/1.png" in contents(item):
            return Verdict(Error(ErrorCode.DEADLINE_EXCEEDED, "", "too late"))
        return first_is_best(name, item, want)

    client = FakeClient([comparing("vlm")], say=away_when_swapped)
    tally = client.run(RECORDS, tmp_path, "vlm").tallies["vlm"]
    assert (tally.asked, tally.judged, tally.owed) == (10, 0, {"DEADLINE_EXCEEDED": 10})
    assert ids(tmp_path, "vlm") == []


def contents(item: Item) -> bytes:
    """What its first candidate shows."""
    return b"".join(part.data for part in item.candidates[0].parts)  # type: ignore[union-attr]


def test_a_pair_ends_as_the_worse_of_both_orders(tmp_path: Path) -> None:
    def shy_when_swapped(name: str, item: Item, want: Want) -> Verdict:
        swapped = b"/1.png" in contents(item)
        return by_digest(name, replace(item, prompt=["shy"] if swapped else item.prompt), want)

    client = FakeClient([comparing("vlm")], say=shy_when_swapped)
    tally = client.run(RECORDS, tmp_path, "vlm").tallies["vlm"]
    assert (tally.judged, tally.abstained) == (0, 10)
    row = results(tmp_path, "vlm").rows[0]
    assert row.given.judged and row.swapped and row.swapped.abstained


def test_a_judge_that_changes_during_the_run_ends_it(client: FakeClient, tmp_path: Path) -> None:
    client.prints = {"clip": "another"}
    with pytest.raises(ServerFault, match="'clip' changed during the run, from .*restarted"):
        client.run(RECORDS, tmp_path)
    assert ids(tmp_path) == []


def test_an_image_that_vanished_ends_the_run_with_its_name(
    client: FakeClient, tmp_path: Path
) -> None:
    gone = replace(RECORDS[4], candidates=((PictureFile(tmp_path, "gone.png"),),) * 2)
    with pytest.raises(
        OSError, match=r"quality record gone.png, gone.png: an image cannot be read"
    ):
        client.run([*RECORDS[:4], gone], tmp_path)
    assert results(tmp_path).header.records == 5


def test_an_item_that_cannot_be_sent_is_named_by_its_images(
    client: FakeClient, tmp_path: Path
) -> None:
    client.error, client.fail_after = InvalidRequest(Violation("items[1].id", "too large")), 0
    with pytest.raises(InvalidRequest, match=r"^quality record picture 1/0.png, .*\.id: too large"):
        client.run(RECORDS, tmp_path, batch=64)


def test_a_record_without_images_is_named_by_its_text() -> None:
    record = Record("pair", "preference", "", "s", ("why?",), (("a",), ("b",)), {"label": 0})
    assert described(record) == "preference record 'why?'"


def test_batches_are_asked_about_two_at_once_and_read_ahead(tmp_path: Path) -> None:
    together = threading.Barrier(2, timeout=GUARD)

    def in_twos(name: str, item: Item, want: Want) -> Verdict:
        together.wait()
        return by_digest(name, item, want)

    FakeClient([judge("clip")], say=in_twos).run(RECORDS, tmp_path, batch=1)
    assert ids(tmp_path) == IDS


def test_few_batches_are_in_memory_at_once(tmp_path: Path) -> None:
    read, ahead = list[str](), list[float]()

    class Counted(MemoryPicture):
        def read(self) -> bytes:
            read.append(self.name)
            return super().read()

    def counting(name: str, item: Item, want: Want) -> Verdict:
        ahead.append(len(read) / 2 - len(ahead))
        return by_digest(name, item, want)

    records = [
        replace(pair(str(n)), candidates=tuple((Counted(f"{n}/{side}"),) for side in (0, 1)))
        for n in range(40)
    ]
    FakeClient([judge("clip")], say=counting, delay=0.002).run(records, tmp_path, batch=2)
    assert max(ahead) <= 10  # two batches asked about, one to follow, one being read, one record


@pytest.mark.parametrize("name", ["a/b", "../up", "50%", "clip v2"])
def test_names_that_are_no_file_names_are_quoted(name: str, tmp_path: Path) -> None:
    client = FakeClient([judge(name)])
    client.run(RECORDS, tmp_path, name)
    assert results(tmp_path, name).header.contender == name
    assert [file.parent for file in tmp_path.iterdir()] == [tmp_path]


def test_nothing_to_ask_and_names_twice_are_refused(client: FakeClient, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 records, 0 contenders: nothing to ask"):
        run(client, [], [], tmp_path, benchmark="mjbench", location="")
    with pytest.raises(ValueError, match="'clip' is named 2 times"):
        client.run(RECORDS, tmp_path, "clip", "hps", "clip")
    with pytest.raises(ValueError, match="batch of 0 items"):
        BatchSize(0)
    assert list(tmp_path.iterdir()) == []


def test_records_of_another_data_set_are_refused(client: FakeClient, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="2 selected records are none of the data set's"):
        client.run(RECORDS[2:], tmp_path, selected=RECORDS[:3])


def test_a_client_with_the_judges_in_its_process_is_asked_alike(tmp_path: Path) -> None:
    texts = replace(RECORDS[0], candidates=(("four",), ("eight at",)))
    config: dict[str, Any] = {"plain": {"kind": "tests.cli.fakes:FakeJudge"}}
    with LocalClient(config) as client:
        whom = [contender("plain", perspectives_of([texts]), client.list_judges())]
        run(client, [texts], whom, tmp_path, benchmark="preferences", location="here")
    (row,) = results(tmp_path, "plain").rows
    assert row.given.values == (13 / 64, 17 / 64) and row.texts == ("four", "eight at")
