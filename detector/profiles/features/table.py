"""All features as one frame, as a documentation table, and which of them the log cannot give."""

from collections.abc import Collection

import polars as pl

from detector.profiles.features.base import FEATURES, View


def unavailable(seen: Collection[str]) -> list[str]:
    """Features whose fields no record has carried.

    Args:
        seen: exchange and account fields with at least one value so far.
    """
    return [f.name for f in FEATURES.values() if any(need not in seen for need in f.needs)]


def frame_of(view: View, seen: Collection[str], names: Collection[str] = ()) -> pl.DataFrame:
    """One row an account or cluster, one Float64 column a feature; null where the log cannot give it.

    Args:
        view: pooled rows.
        seen: fields with at least one value so far.
        names: of the features that are wanted; all of them where none are named.
    """
    missing = set(unavailable(seen))
    n = view.pooled.members.shape[0]
    return pl.DataFrame(
        [
            pl.Series(name, [None], dtype=pl.Float64).new_from_index(0, n)
            if name in missing
            else pl.Series(name, f.compute(view), nan_to_null=True)
            for name, f in FEATURES.items()
            if not names or name in names
        ]
    )


def features_markdown() -> str:
    """The features as a Markdown table for the docs."""
    lines = ["| feature | unit | formula | needs | high means | window |", "|---|---|---|---|---|---|"]
    lines += [
        f"| `{f.name}` | {f.unit} | {f.formula} | {', '.join(f'`{n}`' for n in f.needs) or '—'} | {f.meaning} | {f.window} |"
        for f in FEATURES.values()
    ]
    return "\n".join(lines) + "\n"
