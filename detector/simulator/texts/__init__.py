"""Texts of the simulator, all from grammars of its own."""
