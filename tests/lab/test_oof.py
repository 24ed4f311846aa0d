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


def test_attention_goes_to_the_nearest_rows():
    teacher = InContextTeacher(np.array([[0.0], [1.0], [9.0]]), np.array([0, 0, 1]), 0.5, 2)
    labels = teacher.label(np.array([[0.4], [8.0]]))
    assert labels[0, 0] > 0.9
    assert labels[1, 1] > 0.9
    np.testing.assert_allclose(labels.sum(axis=1), 1.0)


def test_a_context_without_the_row_itself_does_not_show_its_label():
    rows, classes = np.array([[0.0], [0.1], [0.2]]), np.array([1, 0, 0])
    teacher = InContextTeacher(rows, classes, 0.001, 2)
    assert teacher.label(rows)[0].argmax() == 1
    assert teacher.label(rows, but_itself=True)[0].argmax() == 0


def test_labels_in_context_repeat_noise_and_labels_out_of_fold_do_not():
    rng = np.random.default_rng(2)
    rows, classes = rng.normal(size=(200, 6)), rng.integers(0, 2, 200)
    agreement = {
        "in_context": (leaking_labels(rows, classes, 2).argmax(axis=1) == classes).mean(),
        "out_of_fold": (out_of_fold_labels(rows, classes, 2, 1).argmax(axis=1) == classes).mean(),
    }
    assert agreement["in_context"] > 0.65
    assert agreement["out_of_fold"] < 0.6


@pytest.mark.parametrize("name", DATASETS)
def test_data_sets_are_there(name):
    rows, classes = load(name)
    assert len(rows) == len(classes)
    assert set(classes) == set(range(classes.max() + 1))


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ValueError, match="no data set"):
        load("iris")


def test_scores_come_with_intervals_over_splits():
    found = compare("wine", (0, 1))
    assert set(found) == {"in_context", "out_of_fold", "teacher"}
    for outcome in found.values():
        assert len(outcome.accuracy.values) == 2
        assert outcome.accuracy.low <= outcome.accuracy.mean <= outcome.accuracy.high
        assert outcome.accuracy.mean > 0.8
        assert 0 < outcome.log_loss.mean < 0.6
    assert compare("wine", (0, 1)) == found
