"""Revenuer beside what a user would pick today: one command, one table, the same worlds for all."""
