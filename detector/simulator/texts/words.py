"""The word lists, patterns and wrappers of the grammars, read from the YAML files of this folder."""

from importlib.resources import files
from itertools import product

import yaml

Grammar = dict[str, dict[str, tuple[str, ...]]]


def _read(name: str) -> Grammar:
    text = files("detector.simulator.texts").joinpath(name).read_text(encoding="utf-8")
    raw = yaml.safe_load(text)
    return {part: {name: tuple(map(str, options)) for name, options in lists.items()} for part, lists in raw.items()}


GRAMMAR = _read("grammar.yml")
CAMPAIGNS = _read("campaigns.yml")
FOREIGN = _read("languages.yml")
WORDS, PATTERNS = GRAMMAR["words"], GRAMMAR["patterns"]
FIXED = {**GRAMMAR["fixed"], **CAMPAIGNS["wrappers"], **FOREIGN["wrappers"]}
ITEMS = FOREIGN["items"]
SENTENCES = tuple(f"{who} {did}" for who, did in product(WORDS["subjects"], WORDS["predicates"]))
SLOTS = {**WORDS, **GRAMMAR["wrappers"], **CAMPAIGNS["words"], **FOREIGN["words"], "sentences": SENTENCES}
