"""How much: requests and tokens, over the window and decayed."""

from detector.profiles.features.base import View, feature
from detector.profiles.layout import F64


@feature("requests", "requests", "count", (), "activity")
def requests(v: View) -> F64:
    """All exchanges of the window."""
    return v.count("requests")


@feature("input_tokens", "tokens", "sum", ("input_tokens",), "what was sent")
def input_tokens(v: View) -> F64:
    """Sum over the window."""
    return v.pooled.tokens[:, 0].astype(float)


@feature("output_tokens", "tokens", "sum", ("output_tokens",), "what was harvested, if it was a harvest")
def output_tokens(v: View) -> F64:
    """Sum over the window."""
    return v.pooled.tokens[:, 1].astype(float)


def _declare(kind: str, hours: int, label: str, needs: tuple[str, ...]) -> None:
    feature(
        f"{kind}_{label}",
        kind.rsplit("_", maxsplit=1)[-1],
        f"forward-decayed sum, half-life {hours} h",
        needs,
        "recent volume",
        window=f"half-life {hours} h",
    )(lambda v: v.decayed(kind, hours))


for _hours, _label in ((1, "1h"), (24, "1d"), (168, "7d")):
    _declare("requests", _hours, _label, ())
    _declare("input_tokens", _hours, _label, ("input_tokens",))
    _declare("output_tokens", _hours, _label, ("output_tokens",))
