"""One row: every contender at one operation of one workload, taking turns round by round."""

from __future__ import annotations

import random
import time
from importlib.metadata import version
from statistics import median, quantiles
from typing import Any

import torch
from kernel_bench.checking import Sample, errors, expected, means, same_bits, sample_of
from kernel_bench.clocks import Clock, Stopwatch, total_bytes
from kernel_bench.contenders import Call, Contender, NotRun, Prepare, Scores
from kernel_bench.lineup import OURS
from kernel_bench.workloads import Ceilings, Inputs, Operation, Workload, make_inputs

from mmjudge.kernels import explain_backend

LONGEST = {"cpu": 6.0, "cuda": 3.0}  # seconds after which no further round begins


def compare(
    workload: Workload, operation: Operation, contenders: tuple[Contender, ...], clock: Clock,
    ceilings: Ceilings, rounds: int,
) -> dict[str, Any]:  # fmt: skip
    """Check and time each contender; what one cannot do is said in its place, and ends nothing."""
    itemsize = clock.dtype.itemsize
    floor, bound = workload.floor(itemsize, ceilings)
    sets = [
        make_inputs(workload, clock.device, clock.dtype, s) for s in range(clock.sets(workload))
    ]
    sample = sample_of(workload)
    wanted = expected(workload, operation, sample.inputs(sets[0]))
    results: dict[str, dict[str, Any]] = {}
    stopwatches: dict[str, Stopwatch] = {}
    for contender in contenders:
        entry = results[contender.name] = _described(contender)
        try:
            calls, facts = _checked(contender, workload, operation, clock, sets, sample, wanted)
            stopwatches[contender.name] = clock.stopwatch(calls, floor)
            entry |= facts
        except NotRun as reason:
            entry["status"] = f"not run: {reason}"
        except torch.OutOfMemoryError:
            entry["status"] = "out of memory"
        except Exception as error:  # noqa: BLE001 - whatever a package raises is its result
            missing = isinstance(error, ModuleNotFoundError)
            entry["status"] = "not installed" if missing else _first_line(error)
    for name, times in _rounds(stopwatches, rounds, LONGEST[clock.device]).items():
        measured = _measured(workload, operation, times, floor, itemsize)
        results[name] |= measured | _how(stopwatches[name])
    return {
        "workload": workload.name, "operation": operation, "kind": workload.kind,
        "texts": workload.texts, "images": workload.images, "tokens": workload.model.tokens,
        "patches": workload.model.patches, "dim": workload.model.dim,
        "dtype": str(clock.dtype).removeprefix("torch."), "gflop": workload.flops / 1e9,
        "input_mb": workload.bytes(itemsize) / 1e6, "floor_ms": _digits(floor * 1e3),
        "ceilings": {
            "products_tflop_per_s": _digits(ceilings.products / 1e12),
            "copies_tb_per_s": _digits(ceilings.copies / 1e12),
        },
        "bound": bound, "contenders": results,
    }  # fmt: skip


def _checked(
    contender: Contender, workload: Workload, operation: Operation, clock: Clock,
    sets: list[Inputs], sample: Sample, wanted: Scores,
) -> tuple[list[Call], dict[str, Any]]:  # fmt: skip
    """The calls, warm, and all that is known of them but how long they take."""
    prepare = contender.make(workload, operation)
    calls = [prepare(inputs) for inputs in sets]
    first, found = clock.seconds(calls[0])
    bytes_held, again = clock.peak(calls[0])
    facts: dict[str, Any] = {
        "first_call_s": _digits(first),
        "output_mb": total_bytes(found) / 1e6,
        "peak_mb": None if bytes_held is None else bytes_held / 1e6,
    }
    if contender.name == OURS:
        facts["backend"] = _backend(workload, sets[0])
        facts["repeatable"] = same_bits(found, again)
    del again
    facts |= _errors(contender, workload, operation, prepare, sets[0], sample, found, wanted)
    if contender.name == OURS and operation != "train":
        alone = prepare(sample.inputs(sets[0]))()
        facts["invariant"] = same_bits(alone, sample.scores(found))
    for call in calls[1:]:
        call()
    return calls, facts


def _errors(
    contender: Contender, workload: Workload, operation: Operation, prepare: Prepare,
    inputs: Inputs, sample: Sample, found: Scores, wanted: Scores,
) -> dict[str, float]:  # fmt: skip
    if operation == "train":
        found = prepare(sample.differentiated(inputs))()
    few = sample.inputs(inputs)
    part = sample.scores(found)
    part = means(workload, few, part) if contender.summed else part
    return {name: _digits(value) for name, value in errors(workload, few, part, wanted).items()}


def _rounds(
    stopwatches: dict[str, Stopwatch], rounds: int, longest: float
) -> dict[str, list[float]]:
    """Seconds a call, round by round, in an order that changes."""
    times: dict[str, list[float]] = {name: [] for name in stopwatches}
    order, began, shuffle = list(stopwatches), time.perf_counter(), random.Random(0)
    for _ in range(rounds):
        shuffle.shuffle(order)
        for name in order:
            times[name].append(stopwatches[name].round())
        if time.perf_counter() - began > longest:
            break
    return times


def _measured(
    workload: Workload, operation: Operation, times: list[float], floor: float, itemsize: int
) -> dict[str, Any]:
    middle = median(times)
    spread = quantiles(times, n=4, method="inclusive") if len(times) > 1 else [middle] * 3
    result = {
        "status": "ok",
        "ms": _digits(middle * 1e3),
        "iqr_ms": [_digits(spread[0] * 1e3), _digits(spread[2] * 1e3)],
        "rounds_ms": [_digits(one * 1e3) for one in times],
    }
    if operation == "train":  # its least work depends on how gradients are found
        return result
    return result | {
        "tflop_per_s": _digits(workload.flops / middle / 1e12),
        "tb_per_s": _digits(workload.bytes(itemsize) / middle / 1e12),
        "roofline": _digits(floor / middle),
    }


def _how(stopwatch: Stopwatch) -> dict[str, Any]:
    eager = {} if stopwatch.eager is None else {"eager_ms": _digits(stopwatch.eager * 1e3)}
    return {"timed_by": stopwatch.how, **eager}


def _described(contender: Contender) -> dict[str, Any]:
    entry: dict[str, Any] = {"status": "ok"}
    if contender.note:
        entry["note"] = contender.note
    if contender.package is not None:
        try:
            entry["version"] = version(contender.package)
        except ModuleNotFoundError:
            entry["version"] = None
    return entry


def _backend(workload: Workload, inputs: Inputs) -> str:
    operation = {
        "global": "token_image_reward",
        "pairs": "late_interaction_pairs",
        "matrix": "late_interaction_matrix",
    }[workload.kind]
    chosen = explain_backend(operation, inputs.text, inputs.image)
    return f"{chosen.name}: {chosen.reason}"


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {text[0][:200]}"


def _digits(value: float) -> float:
    """Four significant digits, which is more than a timing has."""
    return float(f"{value:.4g}")
