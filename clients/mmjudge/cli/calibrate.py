"""`mmjudge calibrate`: what a judge's numbers are worth, by what people say of images and texts."""

import json as json_format
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mmjudge.cli.options import DEFAULT_ADDRESS, Address, Json, Timeout
from mmjudge.cli.progress import progress
from mmjudge.cli.terminal import out, print_json, reported
from mmjudge.client import Client, JudgeInfo

if TYPE_CHECKING:
    from mmjudge.bench.calibration.token_fits import TokenFit

NEEDED = ("sklearn", "matplotlib")
FIX = "pip install 'mmjudge[bench]'"


class Fit(StrEnum):
    """What is fitted."""

    tokens = "tokens"
    affine = "affine"
    quantile = "quantile"
    isotonic = "isotonic"


def calibrate(
    rows: Annotated[
        Path,
        typer.Argument(
            metavar="ROWS",
            help="JSON lines: image, text, unit, label (correct or hallucinated) for tokens; "
            "image, text and target for a score's curve (no target for quantile).",
            exists=True,
            dir_okay=False,
        ),
    ],
    judge: Annotated[str, typer.Option(help="Judge to calibrate.")],
    output: Annotated[Path, typer.Option(help="Calibration file to write, JSON.")],
    fit: Annotated[Fit, typer.Option(help="What to fit.")] = Fit.tokens,
    picture: Annotated[
        Path | None, typer.Option(help="PNG to draw: histograms of both labels, or the curve.")
    ] = None,
    wrong: Annotated[
        float, typer.Option(help="tokens: share of each label that may be taken for the other.")
    ] = 0.1,
    address: Address = DEFAULT_ADDRESS,
    timeout: Timeout = 600.0,
    json: Json = False,
) -> None:
    """Fit a judge's numbers to labelled rows, and write a file to configure judges with."""
    with reported(address):
        if missing := [name for name in NEEDED if find_spec(name) is None]:
            raise ValueError(f"calibration needs {' and '.join(missing)}: {FIX}")
        with progress(f"asking {address}"), Client(address, timeout=timeout) as client:
            info = _info(client, judge)
            if fit is Fit.tokens:
                table = _tokens(client, info, rows, wrong, picture)
            else:
                table = _curve(client, info, rows, fit.value, picture)
        output.write_text(json_format.dumps(table, indent=1) + "\n", encoding="utf-8")
    if json:
        print_json(table | {"output": str(output)})
        return
    for line in (*_told(table), f"wrote {output}", *([f"drew {picture}"] if picture else [])):
        out.print(line, markup=False, soft_wrap=True)


def _info(client: Client, judge: str) -> JudgeInfo:
    hosted = client.list_judges().judges
    if judge not in hosted:
        raise ValueError(f"--judge {judge!r}: not hosted; expected one of {', '.join(hosted)}")
    return hosted[judge]


def _tokens(
    client: Client, judge: JudgeInfo, rows: Path, wrong: float, picture: Path | None
) -> dict[str, Any]:
    from mmjudge.bench.calibration import calibrating, labelled_rows, token_fits

    units = labelled_rows.read_units(rows)
    found = calibrating.similarities(client, judge, units)
    correct = [unit.correct for unit in units]
    classes = found[correct], found[[not one for one in correct]]
    fitted = token_fits.fit_tokens(*classes, wrong)
    if picture:
        from mmjudge.bench.calibration.calibration_chart import draw_classes

        means = fitted.mean_correct, fitted.mean_hallucinated
        draw_classes(picture, *classes, means, _title(judge, fitted))
    return calibrating.token_file(judge, fitted, len(units))


def _title(judge: JudgeInfo, fitted: "TokenFit") -> str:
    return f"{judge.name} ({judge.fingerprint[:12]}): AUC {fitted.auc}"


def _curve(
    client: Client, judge: JudgeInfo, rows: Path, kind: Any, picture: Path | None
) -> dict[str, Any]:
    import numpy as np

    from mmjudge.bench.calibration import calibrating, labelled_rows, score_fits

    rated = labelled_rows.read_ratings(rows)
    raw = calibrating.raw_scores(client, judge, rated)
    targets = [row.target for row in rated]
    target = None if None in targets else np.array(targets, np.float64)
    fitted = score_fits.fit_scores(kind, raw, target)
    if picture:
        from mmjudge.bench.calibration.calibration_chart import draw_scores

        title = f"{judge.name} ({judge.fingerprint[:12]}): {kind}"
        draw_scores(picture, raw, target, fitted, title)
    return calibrating.score_file(judge, fitted)


def _told(table: dict[str, Any]) -> list[str]:
    if table["kind"] == "token_alignment":
        value, low, high = table["auc"]
        return [
            f"AUC {value:.3f} ({low:.3f} to {high:.3f}, 95 % bootstrap) of {table['units']} units",
            f"correct {table['mean_correct']:.4f} ± {table['std_correct']:.4f}, "
            f"hallucinated {table['mean_hallucinated']:.4f} ± {table['std_hallucinated']:.4f}",
            f"margin {table['margin']:.4f}, which leaves {table['undecided']:.0%} undecided",
        ]
    figures = ", ".join(f"{name} {value:.4g}" for name, value in table["statistics"].items())
    return [f"{table['kind']}: {len(table['knots'])} knots; {figures}"]
