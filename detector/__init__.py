"""Finds distillation attacks on model APIs: profiles, coordination, scoring, alerts."""
