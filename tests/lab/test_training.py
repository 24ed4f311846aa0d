import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")

from torch.nn import functional  # noqa: E402 - after the skip

from detector.simulator.lab.tasks import LONGEST, draw  # noqa: E402
from detector.simulator.lab.training import Recipe, Texts, fit, joined, mixed_loss, rate_at  # noqa: E402
from detector.simulator.lab.transformer import STUDENTS, TEACHER, Shape, build  # noqa: E402
from detector.simulator.lab.vocabulary import PAD, SIZE  # noqa: E402

SMALL = Shape(16, 2, 2)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(1)
    logits, soft = (torch.randn(2, 3, 5, generator=generator, dtype=torch.float64) for _ in range(2))
    targets = torch.randint(0, 5, (2, 3), generator=generator)
    learned = torch.tensor([[True, False, True], [True, True, False]])
    return logits, targets, learned, torch.log_softmax(soft, -1)


@pytest.mark.parametrize(("alpha", "temperature"), [(0.0, 1.0), (0.4, 2.0), (1.0, 3.0)])
def test_gradients_are_those_of_the_loss(batch, alpha, temperature):
    logits, targets, learned, soft = batch
    assert torch.autograd.gradcheck(
        lambda x: mixed_loss(x, targets, learned, soft, alpha, temperature), logits.requires_grad_()
    )


def test_the_loss_is_the_stated_mix(batch):
    logits, targets, learned, soft = batch
    rows = learned.nonzero().tolist()
    text, divergence, heat = 0.0, 0.0, 2.0
    for n, k in rows:
        text -= torch.log_softmax(logits[n, k], -1)[targets[n, k]].item() / len(rows)
        theirs, ours = (torch.softmax(x[n, k] / heat, -1) for x in (soft, logits))
        divergence += (theirs * (theirs / ours).log()).sum().item() / len(rows)
    expected = 0.7 * text + 0.3 * heat**2 * divergence
    assert mixed_loss(logits, targets, learned, soft, 0.3, heat).item() == pytest.approx(expected)


def test_a_student_that_is_the_teacher_has_nothing_to_learn_from_soft_labels(batch):
    _, targets, learned, soft = batch
    ours = soft.clone().requires_grad_()
    loss = mixed_loss(ours, targets, learned, soft, 1.0, 2.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-12)
    assert ours.grad.abs().max() < 1e-12


def test_what_is_not_learned_does_not_count(batch):
    logits, targets, learned, soft = batch
    other = torch.where(learned[..., None], logits, torch.zeros_like(logits))
    assert mixed_loss(other, targets, learned, soft, 0.5, 2.0) == mixed_loss(logits, targets, learned, soft, 0.5, 2.0)


def test_distillation_without_soft_labels_is_refused(batch):
    logits, targets, learned, _ = batch
    with pytest.raises(ValueError, match="soft labels"):
        mixed_loss(logits, targets, learned, None, 0.5, 1.0)


def test_a_model_learns_texts_by_heart():
    q = draw(np.random.default_rng(1), 6)[0]
    texts = Texts(q.worked(), q.worked() != PAD)
    model = build(SMALL, 1)

    def loss():
        with torch.inference_mode():
            logits = model(torch.from_numpy(texts.tokens[:, :-1]))
            mask = torch.from_numpy(texts.learned[:, 1:])
            return functional.cross_entropy(logits[mask], torch.from_numpy(texts.tokens[:, 1:])[mask]).item()

    before = loss()
    fit(model, texts, Recipe(steps=150, batch=2, rate=1e-2), np.random.default_rng(1))
    assert loss() < before / 5


def test_training_is_the_same_for_the_same_seed():
    q = draw(np.random.default_rng(1), 30)[1]
    texts = Texts(q.worked(), q.worked() != PAD)
    weights = []
    for _ in range(2):
        model = build(SMALL, 4)
        fit(model, texts, Recipe(steps=5, batch=4), np.random.default_rng(4))
        weights.append(model.words.weight.detach().numpy().copy())
    np.testing.assert_array_equal(*weights)


def test_the_rate_rises_then_falls():
    recipe = Recipe(steps=100, rate=1.0)
    rates = [rate_at(step, recipe) for step in range(100)]
    assert max(rates) == 1.0
    assert np.argmax(rates) in {4, 5}
    assert rates[-1] == pytest.approx(0.02, abs=0.001)
    assert (np.diff(rates[5:]) <= 0).all()


def test_soft_labels_are_joined_only_where_all_have_them():
    plain = Texts(np.zeros((1, LONGEST), np.int64), np.ones((1, LONGEST), np.bool_))
    soft = Texts(plain.tokens, plain.learned, np.zeros((1, LONGEST - 1, SIZE), np.float16))
    assert joined([plain, soft]).soft is None
    assert joined([soft, soft]).soft.shape[0] == 2


def test_no_place_sees_what_comes_after():
    model = build(SMALL, 2).eval()
    tokens = torch.randint(1, SIZE, (2, 12))
    changed = tokens.clone()
    changed[:, 7:] = 1
    with torch.inference_mode():
        torch.testing.assert_close(model(tokens)[:, :7], model(changed)[:, :7])


def test_going_on_from_a_cache_is_reading_it_all_again():
    model = build(SMALL, 3).eval()
    tokens = torch.randint(1, SIZE, (3, 10))
    with torch.inference_mode():
        whole = model(tokens)
        logits, cache = model.step(tokens[:, :6], None)
        for at in range(6, 10):
            torch.testing.assert_close(logits[:, -1], whole[:, at - 1])
            logits, cache = model.step(tokens[:, at : at + 1], cache)


def test_sizes_are_in_order_and_small():
    counts = {name: build(shape, 0).parameters_count() for name, shape in STUDENTS.items()}
    assert counts["smaller"] < counts["equal"] < counts["larger"] <= 1_200_000
    assert STUDENTS["equal"] == TEACHER
