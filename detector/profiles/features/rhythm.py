"""When: hours of day, weekends, and how much of the time."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import F64

_TENS_A_DAY = 144.0


@feature("active_hours", "hours", "hours of day with traffic, of 24", (), "round-the-clock use")
def active_hours(v: View) -> F64:
    """UTC."""
    return (v.pooled.hours > 0).sum(axis=1).astype(float)


@feature("weekend_share", "share", "requests on Saturday and Sunday", (), "2/7 is what a machine does")
def weekend_share(v: View) -> F64:
    """UTC."""
    return v.share("weekend")


@feature("active_slot_share", "share", "ten-minute slots with traffic, a member", (), "steady presence")
def active_slot_share(v: View) -> F64:
    """Of the slots since the account was first seen in the window."""
    return v.pooled.active / np.maximum(v.days * _TENS_A_DAY * np.maximum(v.pooled.members, 1), 1.0)
