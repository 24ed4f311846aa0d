"""Scores: rules, the benign reference, p-values and severities."""
