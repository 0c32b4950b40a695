"""What is left to ask of a data set, after what files of results hold already."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from mmjudge.bench.asking.contenders import Contender
from mmjudge.bench.asking.listing import Places, listed
from mmjudge.bench.asking.results_file import ResultsFile
from mmjudge.bench.asking.uploads import Task, described
from mmjudge.bench.records import Question, Record, question


class Remaining:
    """The records to ask about, of those selected from a data set of so many `places`.

    skipped: how many records each contender answered before; identical: how many say and show
    exactly what an earlier one does, and are not asked about. Both count while `tasks` goes on.
    progress: told of each record that nobody is asked about.

    Reads the images of the records answered before. Raises ValueError where rows are of images
    that the data set no longer has, or records of another one; OSError naming a record whose image
    cannot be read.
    """

    def __init__(
        self,
        records: Sequence[Record],
        contenders: Sequence[Contender],
        files: Mapping[str, ResultsFile],
        places: Places,
        progress: Callable[[int], None],
    ) -> None:
        self.skipped, self.identical = Counter[str](), 0
        self._records, self._contenders, self._files = records, contenders, files
        self._progress = progress
        self._ids = dict[int, str]()
        self._told = set[int]()
        keys = [listed(record) for record in records]
        if strangers := sum(key not in places for key in keys):
            raise ValueError(f"{strangers} selected records are none of the data set's")
        answered = {key for file in files.values() for key in file.rows.values()}
        for place, key in enumerate(keys):
            if key in answered:
                self._check(place)
        for file in files.values():
            _check_rows(file, set(keys), set(self._ids.values()), places)

    def tasks(self) -> Iterator[Task]:
        """The records that some contender has not answered, in their order; to be taken once."""
        seen = set[str]()
        for place, record in enumerate(self._records):
            takers = self._takers(record)
            read = None if not takers or place in self._ids else _read(record)
            id = read.id if read else self._ids.get(place, "")
            missing = self._missing(takers, id)
            if id in seen:
                self.identical += 1
                missing = ()
            elif takers:
                seen.add(id)
                self.skipped.update(who.name for who in takers if who not in missing)
            if missing:
                yield Task(read or _read(record), missing)
            elif place not in self._told:
                self._progress(1)

    def _check(self, place: int) -> None:
        record = self._records[place]
        id = self._ids[place] = _read(record).id
        if not self._missing(self._takers(record), id):
            self._told.add(place)
            self._progress(1)

    def _takers(self, record: Record) -> list[Contender]:
        return [who for who in self._contenders if record.perspective in who.judges]

    def _missing(self, takers: Sequence[Contender], id: str) -> tuple[Contender, ...]:
        return tuple(who for who in takers if id not in self._files[who.name].rows)


def _check_rows(file: ResultsFile, selected: set[str], ids: set[str], places: Places) -> None:
    stale = [
        id
        for id, key in file.rows.items()
        if key not in places or (key in selected and id not in ids)
    ]
    if stale:
        raise ValueError(
            f"{file.path}: {len(stale)} of {len(file.rows)} rows are about no record of the data "
            f"set, such as id {stale[0]}: images or texts have changed since. Write to another "
            "folder, or delete the file to ask about all anew"
        )


def _read(record: Record) -> Question:
    try:
        return question(record)
    except OSError as error:
        raise OSError(f"{described(record)}: an image cannot be read any more: {error}") from error
