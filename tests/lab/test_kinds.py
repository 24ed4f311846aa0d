"""Kinds of student: losses and gradients, what each learns from, and what privacy costs."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

torch = pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")

from detector.simulator.lab.kinds import KINDS, data_free, votes  # noqa: E402 - after the skip
from detector.simulator.lab.kinds.features import feature_loss  # noqa: E402
from detector.simulator.lab.kinds.lesson import Lesson, Voting  # noqa: E402
from detector.simulator.lab.kinds.privacy import epsilon  # noqa: E402
from detector.simulator.lab.schooling import school, solved  # noqa: E402
from detector.simulator.lab.students import harvest  # noqa: E402
from detector.simulator.lab.study import Study  # noqa: E402
from detector.simulator.lab.tasks import held_out  # noqa: E402
from detector.simulator.lab.teacher import log_probabilities  # noqa: E402
from detector.simulator.lab.training import Recipe  # noqa: E402
from detector.simulator.lab.transformer import Shape, build  # noqa: E402
from detector.simulator.lab.vocabulary import ASK, DIGIT, NUMBER  # noqa: E402

SMALL, TINY = Shape(24, 2, 2), Shape(16, 1, 2)
RECIPE = Recipe(steps=60, batch=16, rate=1e-2, alpha=0.7, temperature=2.0)


@pytest.fixture(scope="module")
def lesson():
    teacher = build(SMALL, 5)
    school(teacher, Recipe(steps=60, batch=16, rate=1e-2), np.random.default_rng(5))
    texts = harvest(teacher, 48, np.random.default_rng(6)).worked
    return Lesson(teacher, texts, TINY, RECIPE, 1, Voting(teachers=3, records=24))


def divergence(lesson, student):
    theirs, ours = (
        torch.from_numpy(log_probabilities(m, lesson.texts.tokens).astype(np.float32))
        for m in (lesson.teacher, student)
    )
    each = (theirs.exp() * (theirs - ours)).sum(-1)
    return each[torch.from_numpy(lesson.texts.learned[:, 1:])].mean().item()


def weights(student):
    return torch.cat([p.detach().flatten() for p in student.parameters()])


@pytest.mark.parametrize("pooled", [True, False])
def test_gradients_of_features_are_those_of_the_loss(pooled):
    generator = torch.Generator().manual_seed(1)
    ours, theirs = (torch.randn(3, 4, 2, generator=generator, dtype=torch.float64) for _ in range(2))
    learned = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 0], [0, 1, 0, 0]], dtype=torch.bool)
    assert torch.autograd.gradcheck(lambda x: feature_loss(x, theirs, learned, pooled=pooled), ours.requires_grad_())


def test_features_are_compared_in_units_of_their_spread():
    theirs = torch.tensor([[[1.0], [3.0], [50.0]]])
    learned = torch.tensor([[True, True, False]])
    at_mean = torch.full((1, 3, 1), 2.0)
    assert feature_loss(at_mean, theirs, learned, pooled=False).item() == pytest.approx(1.0)
    assert feature_loss(theirs, theirs, learned, pooled=False).item() == 0.0
    assert feature_loss(7 * at_mean, 7 * theirs, learned, pooled=False).item() == pytest.approx(1.0)


def test_of_a_whole_text_only_the_mean_counts():
    theirs = torch.tensor([[[1.0], [3.0], [9.0]], [[8.0], [0.0], [0.0]]])
    learned = torch.tensor([[True, True, False], [True, False, False]])
    swapped = torch.tensor([[[3.0], [1.0], [0.0]], [[8.0], [5.0], [5.0]]])
    assert feature_loss(swapped, theirs, learned, pooled=True).item() == 0.0
    assert feature_loss(swapped, theirs, learned, pooled=False).item() > 0.0


@pytest.mark.parametrize("kind", ["text", "soft", "features", "embeddings", "votes"])
def test_students_come_closer_to_their_teacher(lesson, kind):
    student = KINDS[kind](lesson).student
    assert divergence(lesson, student) < 0.75 * divergence(lesson, build(TINY, 1))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_same_seed_makes_the_same_student(lesson, kind):
    short = replace(lesson, recipe=replace(RECIPE, steps=4, alpha=0.5), voting=replace(lesson.voting, noise=2.0))
    votes.trained.cache_clear()
    first = weights(KINDS[kind](short).student)
    votes.trained.cache_clear()
    assert torch.equal(first, weights(KINDS[kind](short).student))
    assert not torch.equal(first, weights(KINDS[kind](replace(short, seed=2)).student))


@pytest.mark.parametrize("kind", ["random_prompts", "self_written"])
def test_without_data_the_questions_do_not_matter(lesson, kind):
    short = replace(lesson, recipe=replace(RECIPE, steps=4))
    other = replace(short, texts=lesson.texts.take(np.arange(48)[::-1].copy()))
    assert torch.equal(weights(KINDS[kind](short).student), weights(KINDS[kind](other).student))


def test_prompts_of_any_words_begin_with_a_task_and_end_as_a_question(lesson):
    made = data_free.at_random(np.random.default_rng(3), lesson, 40)
    assert len(made) == 40
    assert set(made.tokens[:, 0]) <= {NUMBER[name] for name in ("sum", "list", "table")}
    before = made.learned.argmax(axis=1) - 1
    assert (made.tokens[np.arange(40), before] == ASK).all()
    assert not made.learned[:, 0].any()


def test_a_teacher_that_writes_the_question_too_is_given_one_word(lesson):
    made = data_free.by_teacher(np.random.default_rng(3), lesson, 12)
    assert made.learned[:, 1].all()
    assert not made.learned[:, 0].any()


class Fixed:
    """Always writes one digit."""

    def __init__(self, digit):
        self.digit = digit

    def step(self, tokens, _):
        logits = torch.zeros(len(tokens), 1, len(NUMBER))
        logits[..., DIGIT + self.digit] = 1.0
        return logits, []


def test_most_votes_win_unless_noise_drowns_them():
    tokens = torch.ones(400, 1, dtype=torch.int64)
    panel = votes.Panel([Fixed(3), Fixed(3), Fixed(5)], 0.0, np.random.default_rng(1))
    counts, _ = panel.step(tokens, None)
    assert counts[0, 0, DIGIT + 3] == 2
    assert counts[0, 0, DIGIT + 5] == 1
    assert counts.sum() == 3 * 400
    drowned, _ = votes.Panel([Fixed(3)] * 3, 50.0, np.random.default_rng(1)).step(tokens, None)
    wins = (drowned[:, 0].argmax(dim=-1) == DIGIT + 3).float().mean().item()
    assert wins < 4 / len(NUMBER)


def test_teachers_that_vote_share_no_record(monkeypatch):
    seen = []
    monkeypatch.setattr(votes, "fit", lambda _, texts, *__: seen.append(texts.tokens))
    votes.trained.cache_clear()
    votes.trained(TINY, RECIPE, 4, 30, 9)
    votes.trained.cache_clear()
    assert [len(tokens) for tokens in seen] == [30] * 4
    rows = np.concatenate(seen)
    known = {row.tobytes() for row in solved(np.random.default_rng([9, 3]), 120).tokens}
    assert {row.tobytes() for row in rows} == known


def test_every_token_that_teachers_wrote_is_paid_for(lesson):
    teachers = votes.trained(TINY, lesson.text_only(), 3, 24, 1)
    noisy = replace(lesson, voting=replace(lesson.voting, noise=2.0))
    texts, given, right = votes.labelled(noisy, teachers)
    assert given == texts.learned.sum() > len(lesson.texts)
    assert 0 <= right <= 1
    told = votes.votes(noisy).told
    assert told["epsilon"] == pytest.approx(epsilon(int(told["votes"]), 2.0, 1e-5))


@given(st.integers(1, 10_000), st.floats(0.5, 200.0), st.sampled_from([1e-7, 1e-5, 1e-3]))
def test_epsilon_is_the_least_over_all_orders(k, noise, delta):
    orders = 1 + np.geomspace(1e-6, 1e6, 20_001)
    every = k * orders / noise**2 + math.log(1 / delta) / (orders - 1)
    assert epsilon(k, noise, delta) == pytest.approx(every.min(), rel=1e-4)


@given(st.integers(1, 2_000), st.floats(5.0, 300.0))
def test_epsilon_is_a_bound_of_what_the_noise_really_gives_away(k, noise):
    """k Gaussian releases at distance √2 are one at √(2k); its exact δ is known (Balle and Wang 2018, theorem 8)."""
    spent, far = epsilon(k, noise, 1e-5), math.sqrt(2 * k) / noise
    tail = stats.norm.logcdf(-far / 2 - spent / far)
    exact = stats.norm.cdf(far / 2 - spent / far) - math.exp(spent + tail)
    assert exact <= 1e-5


def test_votes_add_up_and_noise_pays_back():
    assert epsilon(0, 1.0, 1e-5) == 0.0
    assert epsilon(10, 0.0, 1e-5) == math.inf
    assert epsilon(10, 5.0, 1e-5) < epsilon(20, 5.0, 1e-5) < epsilon(20, 4.0, 1e-5)
    with pytest.raises(ValueError, match="delta"):
        epsilon(10, 1.0, 0.0)


def test_private_questions_are_none_of_the_exam():
    assert not held_out(solved(np.random.default_rng(1), 90).tokens[:30, :11]).any()


def test_a_study_makes_each_variation_once():
    study = Study(
        exchanges=10,
        recipe=RECIPE,
        kinds=tuple(KINDS),
        alphas=(0.3, 0.7, 1.0),
        temperatures=(1.0, 2.0),
        noises=(0.0, 4.0),
        strengths=("strong", "weak"),
        sizes=("smaller", "equal", "larger"),
    )
    made = study.variations()
    names = [v.name for v in made]
    assert len(set(names)) == len(names) == 7 + 1 + 5 + 2 - 1 + 10
    # A head that no text trains can only guess.
    assert not any(v.kind == "features" and v.alpha == 1 for v in made)
