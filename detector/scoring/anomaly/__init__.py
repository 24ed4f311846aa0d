"""Anomaly models: what strange traffic looks like when nobody has written a rule for it. See `docs/anomaly.md`."""
