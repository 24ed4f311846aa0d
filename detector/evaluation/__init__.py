"""Measures alerts against a simulated world's ground truth: the only package that may read it."""
