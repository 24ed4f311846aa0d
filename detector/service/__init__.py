"""The running detector: the engine loop, replay, and what they write."""
