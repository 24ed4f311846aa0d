"""Labelled traffic: worlds of innocents and campaigns, written as request logs. Knows nothing of the detector."""
