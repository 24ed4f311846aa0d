"""The shipped capability model, and the script that trains it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from detector.profiles.capability import CapabilityModel
from detector.profiles.layout import CAPABILITIES
from detector.profiles.text import digest_text

REPO = Path(__file__).parents[2]
PACKAGED = REPO / "detector" / "profiles" / "data" / "capability.npz"
SHARED = REPO.parent / "shared" / "data"

# Written for this test; none of it is in the training script's wordings.
SENTENCES = {
    "reasoning": [
        "Let us think step by step. Lay out your entire chain of thought in <thinking> tags, then the solution.",
        "Explain every intermediate step of your reasoning process before stating the final answer.",
    ],
    "tools": [
        "You have access to these functions. Call the right tool with its arguments in JSON: get_weather, book_hotel.",
        "Use the following tools. Thought: what to do. Action: the tool to call. Observation: its result.",
    ],
    "coding": [
        "Write a Python function that merges two sorted lists and add unit tests for it.",
        "This JavaScript code throws a TypeError in the browser. Fix the bug and explain the code.",
    ],
    "maths": [
        "Lena buys 6 notebooks for 3 dollars each and pays with a 50 dollar bill. How much change does she get?",
        "A farmer has 120 sheep and sells a quarter of them. How many sheep are left?",
    ],
    "grading": [
        "Compare the two assistant responses and decide which is better. Rate each from 1 to 10 and explain the score.",
        "Evaluate the quality of the answer against the reference answer and give a score from 0 to 5.",
    ],
    "synthesis": [
        "Generate ten diverse instructions with input and output that could be used as training examples.",
        "Rewrite the prompt into a more complex version; create a new question and answer pair from the document.",
    ],
    "knowledge": [
        "Which river flows through Vienna? Answer the question from the context above.",
        "Who was the first person to cross the ocean alone, according to the passage?",
    ],
    "other": [
        "Write a cheerful birthday card for my colleague.",
        "I want you to act as a travel guide and suggest places to visit.",
    ],
}


def capability(texts: list[str], model: CapabilityModel, systems: list[str | None] | None = None) -> np.ndarray:
    system = pl.Series(systems or [None] * len(texts), dtype=pl.String)
    return digest_text(pl.Series(texts), system, 1, model).capability / 255.0


@pytest.mark.parametrize("label", CAPABILITIES)
def test_plain_wordings_are_told_apart(label):
    model, k = CapabilityModel.load(), CAPABILITIES.index(label)
    own = capability(SENTENCES[label], model)[:, k]
    others = np.concatenate([capability(texts, model)[:, k] for name, texts in SENTENCES.items() if name != label])
    assert own.max() > 0.5
    assert own.mean() > others.mean() + 0.2


def test_a_harmless_request_aims_at_nothing_that_trains_a_model():
    p = capability(["Good morning! Please translate this postcard into Spanish for my aunt."], CapabilityModel.load())
    assert (p[0, [CAPABILITIES.index(c) for c in ("reasoning", "grading", "synthesis", "coding", "maths")]] < 0.5).all()


def test_a_system_prompt_counts_as_well():
    model = CapabilityModel.load()
    k = CAPABILITIES.index("grading")
    alone, told = capability(["The sky is blue."] * 2, model, [None, SENTENCES["grading"][0]])
    assert told[k] > 0.5 > alone[k]


def test_the_file_is_small_and_loads_without_pickles():
    assert PACKAGED.stat().st_size <= 600_000
    with np.load(PACKAGED, allow_pickle=False) as stored:
        assert set(stored.files) == {"weights", "scale", "bias", "labels"}
        assert stored["weights"].dtype == np.int8
        assert stored["labels"].tolist() == list(CAPABILITIES)


def test_saved_and_loaded_is_the_same(tmp_path):
    rng = np.random.default_rng(3)
    model = CapabilityModel.from_floats(rng.normal(size=(256, 8)), rng.normal(size=8))
    model.save(tmp_path / "deep" / "m.npz")
    again = CapabilityModel.load(tmp_path / "deep" / "m.npz")
    for name in ("weights", "scale", "bias", "packed"):
        assert np.array_equal(getattr(model, name), getattr(again, name))


def test_rounding_keeps_the_weights():
    weights = np.random.default_rng(4).normal(size=(512, 8)) * np.arange(1, 9)
    model = CapabilityModel.from_floats(weights, np.zeros(8))
    error = np.abs(model.weights * model.scale - weights).max(axis=0)
    assert (error <= np.abs(weights).max(axis=0) / 127 * 0.51).all()


@pytest.mark.parametrize(
    "broken",
    [
        {"weights": np.zeros((4, 8), np.int8)},
        {
            "weights": np.zeros((5, 8), np.int8),
            "scale": np.ones(8),
            "bias": np.ones(8),
            "labels": np.array(CAPABILITIES),
        },
        {"weights": np.zeros((4, 8)), "scale": np.ones(8), "bias": np.ones(8), "labels": np.array(CAPABILITIES)},
        {"weights": np.zeros((4, 8), np.int8), "scale": np.ones(8), "bias": np.ones(8), "labels": np.array(["x"] * 8)},
    ],
)
def test_another_file_is_refused_by_name(tmp_path, broken):
    np.savez(tmp_path / "m.npz", **broken)
    with pytest.raises(ValueError, match=r"m\.npz"):
        CapabilityModel.load(tmp_path / "m.npz")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="the third-party data are not beside the repo")
def test_the_training_script_is_deterministic_and_leaves_sources_out(tmp_path):
    def train(name, *more):
        run = [sys.executable, REPO / "benchmarks" / "train_capability.py", "--data", SHARED, "--out", tmp_path / name]
        out = subprocess.run([*run, "--no-evaluation", "--fast", *more], capture_output=True, check=True, text=True)
        return json.loads(out.stdout.splitlines()[-1]), CapabilityModel.load(tmp_path / name)

    (told, first), (_, second) = train("a.npz"), train("b.npz")
    assert np.array_equal(first.weights, second.weights)
    assert told["examples"] > 1000
    without, third = train("c.npz", "--exclude-source", "gsm8k_train", "--exclude-source", "ragas")
    assert without["examples"] < told["examples"]
    assert set(without["excluded"]) >= {"maths", "grading", "macro"}
    assert not np.array_equal(first.weights, third.weights)
