import copy

import pytest

from detector.simulator.lab.goals import goals


def share(mean, half=0.01):
    return {"mean": mean, "low": mean - half, "high": mean + half}


def table(dataset, in_context, out_of_fold):
    return {"dataset": dataset} | {
        kind: {"accuracy": share(value)} for kind, value in (("in_context", in_context), ("out_of_fold", out_of_fold))
    }


REACHED = {
    "teacher_accuracy": 1.0,
    "student_accuracy": {"unprotected": share(0.85), "answers_only": share(0.2)},
    "gained": {"suspend": share(0.05)},
    "benign_refused_share": {"shadow": 0.0, "throttle": 0.0005, "suspend": 0.001},
    "oof": {"wine": table("wine", 0.8, 0.9), "digits": table("digits", 0.7, 0.9)},
}


def missed(found):
    return [k for k, goal in enumerate(goals(found)) if not goal["met"]]


def test_all_can_be_reached():
    assert missed(REACHED) == []


@pytest.mark.parametrize(
    ("number", "keys", "value"),
    [
        (0, ("student_accuracy", "unprotected"), share(0.79)),
        (1, ("student_accuracy", "answers_only"), share(0.84)),
        (2, ("gained", "suspend"), share(0.11)),
        (2, ("gained", "suspend"), None),
        (3, ("benign_refused_share", "throttle"), 0.0011),
        (4, ("oof", "wine"), table("wine", 0.89, 0.9)),
        (4, ("oof", "wine"), table("digits", 0.8, 0.9)),
    ],
)
def test_each_can_be_missed(number, keys, value):
    found = copy.deepcopy(REACHED)
    found[keys[0]][keys[1]] = value
    assert missed(found) == [number]
