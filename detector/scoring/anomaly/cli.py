"""`revenuer train`: fit and distil the anomaly model on one's own traffic."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from detector.stop import USAGE, failing, placed, stop

if TYPE_CHECKING:
    import polars as pl

    from detector.scoring.anomaly.model import AnomalyModel


def train(
    traffic: Annotated[
        Path, typer.Argument(help="accounts.parquet of a replay, or the replay's folder", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="File of the model")],
    detectors: Annotated[
        str | None, typer.Option(help="Of the teacher, with commas between [default: those that need no extra]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=1 << 31, help="Of everything that is drawn")] = 0,
    unless_steady: Annotated[
        Path | None, typer.Option(help="An older model; fit only if traffic drifted away from what it was fitted on")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Fit the anomaly models on your own traffic and distil them into a scorer."""
    started = time.monotonic()
    from detector.profiles.features import FEATURES
    from detector.scoring.anomaly.detectors import DEFAULT
    from detector.scoring.anomaly.fit import fit
    from detector.scoring.anomaly.model import AnomalyModel

    placed(out, "train")
    frame = _accounts(traffic)
    said: dict[str, Any] = {"accounts": frame.height, "trained": True, "out": str(out)}
    try:
        if unless_steady is not None:
            said |= _drift(AnomalyModel.load(unless_steady), frame)
        if said["trained"]:
            names = detectors.split(",") if detectors else DEFAULT
            model = fit(frame, list(FEATURES), names, seed)
            with failing(out, "train"):
                model.save(out)
            said |= _facts(model, out)
    except (ValueError, ImportError) as error:
        stop(str(error), USAGE, "train")
    except OSError as error:
        stop(f"{error.filename}: {error.strerror}", USAGE, "train")
    said["seconds"] = round(time.monotonic() - started, 1)
    sys.stdout.write(json.dumps(said) + "\n" if as_json else _words(said))


def _accounts(path: Path) -> "pl.DataFrame":
    import polars as pl
    from polars.exceptions import PolarsError

    from detector.profiles.features import FEATURES

    file = path / "accounts.parquet" if path.is_dir() else path
    try:
        frame = pl.read_parquet(file)
    except PolarsError as error:
        stop(f"{file}: {str(error).partition(chr(10))[0]}", USAGE, "train")
    except OSError as error:
        stop(f"{file}: {error.strerror or error}; `revenuer replay` writes it", USAGE, "train")
    missing = [name for name in ("stratum", *FEATURES) if name not in frame.columns]
    if missing:
        stop(f"{file}: not the accounts of a replay: no column {missing[0]}", USAGE, "train")
    return frame.drop_nulls("stratum")  # who fell silent before the window has no features


def _drift(old: "AnomalyModel", frame: "pl.DataFrame") -> dict[str, Any]:
    drift = old.drift(frame)
    names = [old.student.features[j] for j in drift.drifted]
    return {"trained": drift.due, "drifted": names, "drift_threshold": round(drift.threshold, 3)}


def _facts(model: "AnomalyModel", out: Path) -> dict[str, Any]:
    held_out = {name or "all": int(null.size) for name, null in model.student.nulls.items()}
    return {"detectors": list(model.recipe.detectors), "held_out": held_out, "bytes": out.stat().st_size}


def _words(said: dict[str, Any]) -> str:
    lines = []
    if "drifted" in said:
        lines.append(f"{len(said['drifted'])} features drifted: {', '.join(said['drifted'][:5]) or 'none'}")
    if said["trained"]:
        lines.append(
            f"{said['out']}: {said['bytes']:,} bytes, from {said['accounts']:,} accounts in {said['seconds']:.0f} s "
            f"({', '.join(said['detectors'])})"
        )
    else:
        lines.append("traffic is steady: the old model stands")
    return "\n".join(lines) + "\n"
