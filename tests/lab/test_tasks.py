import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.simulator.lab.tasks import HELD_OUT, LONGEST, TASKS, draw, held_out, padded
from detector.simulator.lab.vocabulary import SIZE, decode, encode

PROGRAMS = {
    "reverse": lambda x: x[::-1],
    "rotate": lambda x: x[1:] + x[:1],
    "raise": lambda x: [(v + 1) % 10 for v in x],
    "lower": lambda x: [(v - 1) % 10 for v in x],
    "swap": lambda x: [x[1], x[0], *x[2:]],
    "mirror": lambda x: [x[0], x[1], x[1], x[0]],
}


def solve(question):
    """The answer, from the question's words alone."""
    task, *words, _ = question.split()
    if task == "sum":
        value = int(words[0])
        for operator, number in zip(words[1::2], map(int, words[2::2]), strict=True):
            value = {"+": value + number, "-": value - number, "*": value * number}[operator] % 10
        return [str(value)]
    if task == "list":
        items = [int(w) for w in words if w.isdigit()]
        for program in words[len(items) :]:
            items = PROGRAMS[program](items)
        return [str(v) for v in items]
    *table, key = words
    for _ in range(4):
        key = table["abcdefgh".index(key)]
    return [key]


@pytest.mark.parametrize("task", TASKS)
def test_answers_are_right_and_end_the_reasoning(task):
    asked = TASKS[task](np.random.default_rng(3), 200)
    for prompt, steps, answer in zip(asked.prompts, asked.reasoning, asked.answers, strict=True):
        expected = solve(decode(prompt))
        assert decode(answer).split() == ["answer", *expected, "."]
        worked = [word for word in decode(steps).split() if word not in ";()="]
        assert worked[-len(expected) :] == expected


def test_each_step_of_a_sum_is_true():
    for steps in TASKS["sum"](np.random.default_rng(4), 100).reasoning:
        for equation in decode(steps).removesuffix(" ;").split(" ; "):
            left, right = equation.split(" = ")
            assert solve(f"sum {left} ?") == [right]


def test_the_tool_says_what_the_table_says():
    asked = TASKS["table"](np.random.default_rng(5), 50)
    for prompt, steps, table in zip(asked.prompts, asked.reasoning, asked.table, strict=True):
        words = decode(steps).split()
        assert decode(table).split() == decode(prompt).split()[1:9]
        for key, found in zip(words[1::4], words[3::4], strict=True):
            assert decode(table).split()["abcdefgh".index(key)] == found


@given(st.integers(0, 2**32), st.integers(3, 90))
def test_no_question_is_in_both_splits(seed, n):
    rng = np.random.default_rng(seed)
    for split, expected in (("train", False), ("test", True)):
        parts = draw(rng, n, split)
        assert sum(map(len, parts)) == n
        assert all((held_out(q.prompts) == expected).all() for q in parts)


def test_the_held_out_share_is_as_stated():
    for make in TASKS.values():
        assert held_out(make(np.random.default_rng(6), 8000).prompts).mean() == pytest.approx(1 / HELD_OUT, abs=0.015)


def test_texts_fit():
    for asked in draw(np.random.default_rng(7), 30):
        worked = asked.worked()
        assert worked.shape[1] == LONGEST
        assert worked.max() < SIZE
    with pytest.raises(ValueError, match="negative"):
        padded(np.zeros((1, LONGEST + 1), np.int64))


def test_words_and_numbers_agree():
    assert decode(encode(["sum", "1", "+", "2", "?"])) == "sum 1 + 2 ?"
