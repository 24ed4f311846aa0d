import numpy as np
import pytest

pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")

from detector.simulator.lab.oof import (
    DATASETS,
    InContextTeacher,
    compare,
    leaking_labels,
    load,
    out_of_fold_labels,
)


@pytest.mark.parametrize(("attention", "breadth"), [("near", 2), ("spread", 0.5)])
def test_attention_goes_to_the_nearest_rows(attention, breadth):
    teacher = InContextTeacher(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]), 2, attention, breadth)
    labels = teacher.label(np.array([[0.4], [8.9]]))
    assert labels[0, 0] > 0.9
    assert labels[1, 1] > 0.9
    np.testing.assert_allclose(labels.sum(axis=1), 1.0)


@pytest.mark.parametrize(("attention", "breadth"), [("near", 2), ("spread", 0.001)])
def test_a_context_without_the_row_itself_does_not_show_its_label(attention, breadth):
    rows, classes = np.array([[0.0], [0.1], [0.2]]), np.array([1, 0, 0])
    teacher = InContextTeacher(rows, classes, 2, attention, breadth)
    assert teacher.label(rows)[0].argmax() == 1
    assert teacher.label(rows, but_itself=True)[0].argmax() == 0


def test_labels_in_context_repeat_noise_and_labels_out_of_fold_do_not():
    rng = np.random.default_rng(2)
    rows, classes = rng.normal(size=(200, 6)), rng.integers(0, 2, 200)
    assert (leaking_labels(rows, classes, 2, "near").argmax(axis=1) == classes).all()
    assert (out_of_fold_labels(rows, classes, 2, "near", 1).argmax(axis=1) == classes).mean() < 0.6


def test_spread_attention_repeats_less():
    rng = np.random.default_rng(2)
    rows, classes = rng.normal(size=(200, 6)), rng.integers(0, 2, 200)
    assert (leaking_labels(rows, classes, 2, "spread").argmax(axis=1) == classes).mean() < 0.9


@pytest.mark.parametrize("name", DATASETS)
def test_data_sets_are_there(name):
    rows, classes = load(name)
    assert len(rows) == len(classes)
    assert set(classes) == set(range(classes.max() + 1))


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match="no data set"):
        load("iris")


@pytest.mark.parametrize("attention", ["near", "spread"])
def test_scores_come_with_intervals_over_splits(attention):
    found = compare("wine", (0, 1), 0.0, attention)
    assert set(found) == {"in_context", "out_of_fold", "teacher", "margin"}
    margin = found.pop("margin").accuracy
    for outcome in found.values():
        assert len(outcome.accuracy.values) == 2
        assert outcome.accuracy.low <= outcome.accuracy.mean <= outcome.accuracy.high
        assert outcome.accuracy.mean > 0.8
        assert 0 < outcome.log_loss.mean < 0.6
    assert margin.mean == pytest.approx(found["out_of_fold"].accuracy.mean - found["in_context"].accuracy.mean)
    assert compare("wine", (0, 1), 0.0, attention)["teacher"] == found["teacher"]


def test_where_labels_are_wrong_a_teacher_that_remembers_teaches_better_out_of_fold():
    assert compare("wine", (0, 1, 2, 3), 0.3, "near")["margin"].accuracy.low > 0
