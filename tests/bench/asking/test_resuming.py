import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.bench.asked_records import GUARD, IDS, RECORDS, ROOT, ids, results
from tests.bench.fake_judges import (
    FakeClient,
    MemoryPicture,
    bias,
    by_digest,
    comparing,
    judge,
    pair,
)
from tests.bench.killed_run import RECORDS as KILLED_RECORDS
from tests.bench.killed_run import slow_run

from mmjudge.bench.asking import results_file
from mmjudge.bench.asking.results_file import ResultsFile
from mmjudge.bench.asking.running import results_path
from mmjudge.bench.records import question
from mmjudge.bench.results import read_results
from mmjudge.client.errors import Unavailable
from mmjudge.contract import Item, Verdict, Want


def test_what_another_try_may_mend_is_owed_and_asked_again(
    client: FakeClient, tmp_path: Path
) -> None:
    records = [RECORDS[0], pair("busy"), *RECORDS[1:]]
    whole = FakeClient([judge("clip")], say=mended)
    whole.run(records, tmp_path / "whole")
    tally = client.run(records, tmp_path).tallies["clip"]
    assert (tally.asked, tally.judged, tally.owed) == (11, 10, {"ENDPOINT_AWAY": 1})
    assert ids(tmp_path) == IDS
    again = FakeClient([judge("clip")], say=mended)
    tally = again.run(records, tmp_path).tallies["clip"]
    assert (tally.asked, tally.skipped, tally.judged) == (1, 10, 1)
    assert again.asked == [question(records[1]).id]
    assert results(tmp_path).path.read_bytes() == results(tmp_path / "whole").path.read_bytes()


def mended(judge: str, item: Item, want: Want) -> Verdict:
    prompt = ["calm"] if "busy" in item.prompt else item.prompt
    return by_digest(judge, replace(item, prompt=prompt), want)


def test_a_run_that_was_whole_is_not_asked_again(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path)
    before = results(tmp_path).path.read_bytes()
    client.calls.clear()
    told: list[int] = []
    tally = client.run(RECORDS, tmp_path, progress=told.append).tallies["clip"]
    assert (client.calls, tally.asked, tally.skipped) == ([], 0, 10)
    assert told == [1] * 10 and results(tmp_path).path.read_bytes() == before


def test_a_contender_that_comes_later_is_asked_alone(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path)
    client.calls.clear()
    told: list[int] = []
    outcome = client.run(RECORDS, tmp_path, "clip", "hps", progress=told.append)
    assert {tuple(call.judges) for call in client.calls} == {("hps",)}
    assert [outcome.tallies[name].skipped for name in ("clip", "hps")] == [10, 0]
    assert sum(told) == 10


@pytest.mark.parametrize("history", [[(3, 6), (0, 10)], [(9, 10), (0, 1), (4, 5), (0, 10)]])
def test_runs_on_other_parts_of_the_data_come_to_the_same_file(
    client: FakeClient, tmp_path: Path, history: list[tuple[int, int]]
) -> None:
    client.run(RECORDS, tmp_path / "whole")
    for start, end in history:
        client.run(RECORDS, tmp_path, selected=RECORDS[start:end])
    assert results(tmp_path).path.read_bytes() == results(tmp_path / "whole").path.read_bytes()
    assert len(client.asked) == 2 * len(RECORDS)


def test_perspectives_one_after_the_other_come_to_the_same_file(tmp_path: Path) -> None:
    client = FakeClient([judge("q-quality"), judge("q-bias")])
    records = [*RECORDS, bias("nurse", 1)]
    client.run(records, tmp_path / "whole", "q-{perspective}")
    client.run(records, tmp_path, "q-{perspective}", selected=records[-1:])
    client.run(records, tmp_path, "q-{perspective}", selected=records[:-1])
    files = [results(folder, "q-{perspective}").path for folder in (tmp_path, tmp_path / "whole")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_progress_tells_of_every_record_once(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path, selected=RECORDS[2:5])
    told: list[int] = []
    client.run(RECORDS, tmp_path, progress=told.append)
    assert told[:3] == [1, 1, 1] and sum(told) == 10


def test_changed_images_are_refused_with_their_number(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path)
    before = results(tmp_path).path.read_bytes()
    changed = [
        replace(r, candidates=tuple((MemoryPicture(one.name, b"new"),) for one in r.pictures))
        for r in RECORDS[:3]
    ]
    with pytest.raises(
        ValueError, match="clip.jsonl: 3 of 10 rows are about no record of the data"
    ):
        client.run([*changed, *RECORDS[3:]], tmp_path)
    assert results(tmp_path).path.read_bytes() == before


def test_other_records_are_refused(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path)
    with pytest.raises(ValueError, match="data was 10 records with digest .*, now 9 records"):
        client.run(RECORDS[1:], tmp_path)


def test_another_fingerprint_is_refused(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path)
    client.infos = [replace(judge("clip"), fingerprint="another")]
    with pytest.raises(ValueError, match="fingerprint of quality was print of clip, now another"):
        client.run(RECORDS, tmp_path)


def test_a_refused_request_keeps_what_was_written(client: FakeClient, tmp_path: Path) -> None:
    client.error, client.fail_after = Unavailable("gone"), 3
    with pytest.raises(Unavailable):
        client.run(RECORDS, tmp_path, batch=1)
    assert 1 <= len(ids(tmp_path)) < 10
    assert ids(tmp_path) == IDS[: len(ids(tmp_path))]
    client.error = None
    client.run(RECORDS, tmp_path)
    assert ids(tmp_path) == IDS


def test_ctrl_c_leaves_whole_lines_and_no_lock(client: FakeClient, tmp_path: Path) -> None:
    def interrupt(records: int) -> None:
        raise KeyboardInterrupt

    client.delay = 0.01
    with pytest.raises(KeyboardInterrupt):
        client.run(RECORDS, tmp_path, batch=2, progress=interrupt)
    assert ids(tmp_path) == IDS[:2]
    client.run(RECORDS, tmp_path)
    assert ids(tmp_path) == IDS


def test_a_second_run_at_once_is_refused(client: FakeClient, tmp_path: Path) -> None:
    client.run(RECORDS, tmp_path)
    file = ResultsFile(results_path(tmp_path, "clip"), results(tmp_path).header)
    with file, pytest.raises(ValueError, match="another run is writing to it"):
        client.run(RECORDS, tmp_path)


def test_a_file_cut_at_any_byte_is_made_whole_again(tmp_path: Path) -> None:
    client = FakeClient([comparing("vlm")])
    records = [pair("“a”"), pair("shy")]
    path = results_path(tmp_path, "vlm")
    client.run(records, tmp_path, "vlm")
    whole = path.read_bytes()
    for end in range(len(whole)):
        path.write_bytes(whole[:end])
        outcome = client.run(records, tmp_path, "vlm", batch=1)
        assert path.read_bytes() == whole
        assert outcome.tallies["vlm"].torn == (end > 0 and not whole[:end].endswith(b"\n"))


def test_a_run_killed_ten_times_comes_to_the_same_files(tmp_path: Path) -> None:
    slow_run(tmp_path / "whole", 0.0)
    folder, whole = tmp_path / "killed", size(tmp_path / "whole")
    chance, killed, sizes = random.Random(8), 0, [0]
    while killed < 10:
        killed += kill_after(folder, chance.randrange(whole // 20), chance.random() / 50)
        sizes.append(size(folder))
    assert sizes == sorted(sizes) and len(set(sizes)) > 5 and sizes[-1] < whole
    slow_run(folder, 0.0)
    for name in ("clip", "vlm"):
        paths = [results_path(one, name) for one in (folder, tmp_path / "whole")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
        assert len(read_results(paths[0]).rows) == len(KILLED_RECORDS)


def kill_after(folder: Path, more: int, seconds: float) -> bool:
    """Start a run and kill it when it has written so many bytes and some time has passed.

    Whether it was killed before its end.
    """
    command = [sys.executable, "-m", "tests.bench.killed_run", str(folder), "0.01"]
    process = subprocess.Popen(command, cwd=ROOT)
    before, end = size(folder), time.monotonic() + GUARD
    while process.poll() is None and size(folder) <= before + more:
        assert time.monotonic() < end
        time.sleep(0.0005)
    time.sleep(seconds)
    process.kill()
    return process.wait(GUARD) == -signal.SIGKILL


def size(folder: Path) -> int:
    """Bytes of all results in the folder."""
    return sum(file.stat().st_size for file in folder.glob("*.jsonl"))


def test_a_kill_before_the_new_order_has_the_name_loses_nothing(
    client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(new: Path, old: Path) -> None:
        raise KeyboardInterrupt

    client.run(RECORDS, tmp_path / "whole")
    client.run(RECORDS, tmp_path, selected=RECORDS[5:])
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(results_file, "replace", killed)
        client.run(RECORDS, tmp_path)
    assert sorted(ids(tmp_path)) == sorted(IDS) != ids(tmp_path)
    client.run(RECORDS, tmp_path)
    assert results(tmp_path).path.read_bytes() == results(tmp_path / "whole").path.read_bytes()
    assert [path.name for path in tmp_path.glob("clip*")] == ["clip.jsonl"]
