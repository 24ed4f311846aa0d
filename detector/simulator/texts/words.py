"""The word lists, patterns and wrappers of the grammars, read from `grammar.yml`."""

from importlib.resources import files
from itertools import product

import yaml

Grammar = dict[str, dict[str, tuple[str, ...]]]


def _read() -> Grammar:
    text = files("detector.simulator.texts").joinpath("grammar.yml").read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    return {part: {name: tuple(map(str, options)) for name, options in lists.items()} for part, lists in raw.items()}


GRAMMAR = _read()
WORDS, PATTERNS, FIXED = GRAMMAR["words"], GRAMMAR["patterns"], GRAMMAR["fixed"]
SENTENCES = tuple(f"{who} {did}" for who, did in product(WORDS["subjects"], WORDS["predicates"]))
SLOTS = {**WORDS, **GRAMMAR["wrappers"], "sentences": SENTENCES}
