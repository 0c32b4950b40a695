"""The pictures of results, read again from the data sets they are of."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from mmjudge.bench.data.mj_bench_reading import read_mj_bench
from mmjudge.bench.data.mmie_reading import read_mmie
from mmjudge.bench.data.preference_reading import read_preferences
from mmjudge.bench.data.reading import Reading
from mmjudge.bench.records import Picture
from mmjudge.bench.report.evaluation import Pictures
from mmjudge.bench.results import Benchmark, Header


def read_data(benchmark: Benchmark, location: str) -> Reading:
    """Read a data set where results say that it was, going without images that are missing.

    Raises as the reader of the benchmark does.
    """
    match benchmark:
        case "mjbench":
            return read_mj_bench(location, missing="skip")
        case "mmie":
            return read_mmie(Path(location), missing="skip")
        case "preferences":
            return read_preferences(Path(location), None, missing="skip")


def pictures_at_hand(
    headers: Sequence[Header], location: str | None
) -> tuple[Pictures, dict[str, str]]:
    """A function from a picture's name to its file, None for one that is not at hand.

    location: where the data set of all headers is; where each says, for None. Also returns why a
    data set could not be read, by its location.
    """
    found, trouble = dict[str, Picture](), dict[str, str]()
    for header in headers:
        where = location or header.location
        try:
            reading = read_data(header.benchmark, where)
        except (OSError, ValueError) as error:
            trouble[where] = str(error)
            continue
        for record in reading.records:
            found |= {picture.name: picture for picture in record.pictures}

    @cache
    def read(name: str) -> bytes | None:
        try:
            return found[name].read() if name in found else None
        except OSError:
            return None

    return read, trouble
