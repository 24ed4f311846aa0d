"""How evenly: peaks over means, gaps, and gaps that repeat."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import F64

_MINUTES_A_DAY = 1440.0


@feature("peak_minute_ratio", "ratio", "largest count of a minute over the mean of all minutes", (), "bursts")
def peak_minute_ratio(v: View) -> F64:
    """Over the part of the window in which the account was known."""
    return v.pooled.peak / np.maximum(v.count("requests") / (v.days * _MINUTES_A_DAY), 1e-9)


@feature("peak_hour_ratio", "ratio", "largest hour of day over the mean hour", (), "a daily peak, as people have")
def peak_hour_ratio(v: View) -> F64:
    """1 is flat round the clock, 24 is one hour a day."""
    return v.pooled.hours.max(axis=1) / np.maximum(v.pooled.hours.mean(axis=1), 1e-9)


@feature("gap_cv", "ratio", "standard deviation of gaps over their mean", (), "bursty sessions; low is paced")
def gap_cv(v: View) -> F64:
    """Gaps within each account; a cluster's are its members' together."""
    n = np.maximum(v.count("gaps"), 1.0)
    mean = v.pooled.gap_sums[:, 0] / n
    variance = np.maximum(v.pooled.gap_sums[:, 1] / n - mean * mean, 0.0)
    return np.sqrt(variance) / np.maximum(mean, 1e-9)


@feature("fixed_gap_share", "share", "gaps within 5 % of the gap before", (), "a timer or a rate cap")
def fixed_gap_share(v: View) -> F64:
    """Of all gaps of a second or more."""
    return v.share("fixed_gaps", "gaps")
