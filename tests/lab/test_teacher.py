from importlib.resources import files

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")

from detector.simulator.lab.students import distil, harvest, mark, set_exam  # noqa: E402 - after the skip
from detector.simulator.lab.tasks import LONGEST, TASKS, draw, held_out  # noqa: E402
from detector.simulator.lab.teacher import (  # noqa: E402
    Written,
    accuracy,
    answer,
    load,
    log_probabilities,
    save,
    shipped,
)
from detector.simulator.lab.training import Recipe, Texts  # noqa: E402
from detector.simulator.lab.transformer import Shape, build  # noqa: E402
from detector.simulator.lab.vocabulary import ANSWER, ASK, PAD, decode  # noqa: E402

SMALL = Shape(16, 1, 2)


@pytest.fixture(scope="module")
def teacher():
    return shipped()


def test_the_shipped_teacher_answers_what_it_never_saw(teacher):
    scores = accuracy(teacher, draw(np.random.default_rng(99), 300, "test"))
    assert min(scores.values()) >= 0.95


def test_the_shipped_teacher_is_small():
    path = files("detector.simulator").joinpath("data", "teacher.npz")
    assert len(path.read_bytes()) <= 5_000_000
    assert shipped().parameters_count() <= 1_200_000


def test_the_teacher_shows_its_work(teacher):
    asked = draw(np.random.default_rng(98), 30, "test")
    for q in asked:
        assert (answer(teacher, q).tokens == q.worked()).all(axis=1).mean() >= 0.9


def test_without_its_work_an_untrained_student_knows_nothing():
    assert accuracy(build(SMALL, 1), draw(np.random.default_rng(97), 90, "test"))["all"] < 0.05


def test_the_tool_speaks_for_the_table_whatever_the_model_thinks(teacher):
    q = draw(np.random.default_rng(96), 30)[2]
    written = answer(teacher, q, temperature=3.0, rng=np.random.default_rng(1))
    rows, places = np.nonzero(written.told)
    assert len(rows) > 0
    for row, at in zip(rows, places, strict=True):
        key = decode([written.tokens[row, at - 2]])
        assert decode([written.tokens[row, at]]) == decode(q.table[row]).split()["abcdefgh".index(key)]
    assert not written.texts().learned[written.told].any()


def test_draws_repeat_with_their_seed(teacher):
    q = draw(np.random.default_rng(95), 30)[0]
    one, two, other = (answer(teacher, q, 2.0, np.random.default_rng(s)).tokens for s in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()
    with pytest.raises(ValueError, match="random"):
        answer(teacher, q, temperature=1.0)


def test_answers_are_found_wherever_they_stand():
    q = TASKS["sum"](np.random.default_rng(94), 3)
    tokens = np.full((3, LONGEST), PAD)
    tokens[:, :11] = q.prompts
    tokens[0, 11:14] = q.answers[0]
    tokens[1, 37:40] = q.answers[1]
    written = Written(q, tokens, np.zeros(tokens.shape, np.bool_))
    assert written.right().tolist() == [True, True, False]
    assert (written.answers()[2] == PAD).all()


def test_log_probabilities_add_up(teacher):
    q = draw(np.random.default_rng(93), 9)[0]
    sums = np.exp(log_probabilities(teacher, q.worked()).astype(float)).sum(axis=-1)
    np.testing.assert_allclose(sums, 1.0, atol=5e-3)


def test_weights_survive_their_file(tmp_path):
    model = build(SMALL, 5)
    save(model, tmp_path / "m.npz")
    q = draw(np.random.default_rng(92), 9)[1]
    kept = load(tmp_path / "m.npz")
    assert kept.shape == SMALL
    np.testing.assert_allclose(
        log_probabilities(kept, q.worked()).astype(float), log_probabilities(model, q.worked()).astype(float), atol=0.02
    )


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    np.savez(tmp_path / "b.npz", shape=np.array([16, 1, 2]), x=np.zeros(3))
    for name in ("a.npz", "b.npz"):
        with pytest.raises(ValueError, match=name):
            load(tmp_path / name)


def test_a_harvest_holds_no_question_of_the_exam(teacher):
    got = harvest(teacher, 60, np.random.default_rng(91), soft=True)
    lengths = (got.worked.tokens == ASK).argmax(axis=1) + 1
    for tokens, length in zip(got.worked.tokens, lengths, strict=True):
        assert not held_out(tokens[None, :length])[0]
    assert got.worked.soft.shape[:2] == (60, LONGEST - 1)
    assert got.right >= 0.95


def test_an_answers_only_harvest_shows_no_reasoning(teacher):
    got = harvest(teacher, 60, np.random.default_rng(90))
    asked, announced = ((got.bare.tokens == mark_).argmax(axis=1) for mark_ in (ASK, ANSWER))
    assert (announced == asked + 1).all()
    worked = (got.worked.tokens == ASK).argmax(axis=1)
    for bare, full, at in zip(got.bare.tokens, got.worked.tokens, worked, strict=True):
        np.testing.assert_array_equal(bare[: at + 1], full[: at + 1])


def test_the_teacher_agrees_with_itself_and_a_stranger_does_not(teacher):
    exam, own = set_exam(teacher, 60, np.random.default_rng(89))
    itself, stranger = mark(teacher, exam), mark(build(SMALL, 1), exam)
    assert itself.accuracy == own
    assert itself.agreement == 1.0
    assert itself.divergence == pytest.approx(0.0, abs=1e-3)
    assert stranger.agreement < 0.05
    assert stranger.divergence > 1.0


def test_a_student_of_nothing_is_untrained():
    nothing = Texts(np.zeros((0, LONGEST), np.int64), np.zeros((0, LONGEST), np.bool_))
    np.testing.assert_array_equal(
        distil(nothing, SMALL, Recipe(steps=3), 7).words.weight.detach(), build(SMALL, 7).words.weight.detach()
    )


def test_soft_labels_bring_a_student_nearer_to_the_teacher(teacher):
    exam, _ = set_exam(teacher, 60, np.random.default_rng(88))
    got = harvest(teacher, 90, np.random.default_rng(87), soft=True)
    untrained = mark(build(SMALL, 1), exam)
    recipe = Recipe(steps=60, batch=16, rate=1e-2, alpha=1.0, temperature=2.0)
    assert mark(distil(got.worked, SMALL, recipe, 1), exam).divergence < untrained.divergence / 2
