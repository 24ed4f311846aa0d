"""The loop through HTTP: gateway, service, and an attacker who keeps what is answered."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")

from detector.simulator.lab.gateway.loop import pass_through
from detector.simulator.lab.harvested import learned_from, questions_in_order
from detector.simulator.lab.tasks import held_out
from detector.simulator.lab.teacher import answer, shipped
from detector.simulator.lab.through import Through, through_gateway
from detector.simulator.lab.training import Recipe
from detector.simulator.lab.vocabulary import PAD, decode
from detector.simulator.world import load_world
from streams.sources.files import FileSource


def test_what_comes_back_as_text_is_learned_as_the_teacher_wrote_it():
    teacher = shipped()
    for asked in questions_in_order(np.random.default_rng(2), 30):
        assert not held_out(asked.question.prompts).any()
        written = answer(teacher, asked.question)
        end = asked.question.prompts.shape[1]
        content = decode(written.tokens[0, end:])
        texts, own = learned_from([(asked, content)]), written.texts()
        assert (texts.tokens == own.tokens).all()
        assert (texts.learned == own.learned).all()
        assert (texts.tokens != PAD).sum() == end + len(content.split())


@pytest.fixture(scope="module")
def passed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("loop") / "gateway"
    return pass_through(load_world("tiny"), 11, shipped(), folder), folder


@pytest.mark.slow
def test_whom_revenuer_recommends_to_suspend_the_gateway_refuses(passed):
    found, _ = passed
    answered = [content is not None for _, content in found.harvest]
    assert len(answered) == sum(asked for asked, _ in found.campaigns.values()) > 500
    assert sum(answered) == sum(got for _, got in found.campaigns.values())
    # Nobody is known on the first morning; on the second evening next to nothing is answered.
    assert all(answered[: len(answered) // 8])
    assert np.mean(answered[-len(answered) // 4 :]) < 0.1


@pytest.mark.slow
def test_innocents_are_answered(passed):
    found, _ = passed
    assert sum(requests for requests, _ in found.innocents.values()) > 1_000
    assert sum(refused for _, refused in found.innocents.values()) == 0


@pytest.mark.slow
def test_the_log_has_every_request_and_what_became_of_it(passed):
    found, folder = passed
    frames = [batch.frame for batch in FileSource([folder / "gateway.ndjson"]).batches()]
    status = [s for frame in frames for s in frame["status"]]
    played = (folder / "requests.ndjson").read_bytes().splitlines()
    assert len(status) == len(played)
    refused = sum(content is None for _, content in found.harvest)
    assert status.count(403) + status.count(429) >= refused > 0
    for frame in frames:
        assert frame.filter(frame["status"] == 403)["output_tokens"].sum() == 0


@pytest.mark.slow
def test_students_of_the_loop_are_set_side_by_side(passed, tmp_path, monkeypatch):
    found, _ = passed
    monkeypatch.setattr("detector.simulator.lab.through.pass_through", lambda *_: found)
    asked = Through("tiny", 1, Recipe(steps=40, batch=16, rate=6e-3), "smaller", 60)
    told = through_gateway(asked, tmp_path / "parts", tmp_path / "scratch")
    assert told["students"]["unprotected"]["exchanges"] == told["asked"]
    assert told["students"]["through"]["exchanges"] == told["answered"] < told["asked"]
    assert told["students"]["untrained"]["exchanges"] == 0
    assert told["passed_share"] == told["answered"] / told["asked"]
    monkeypatch.setattr("detector.simulator.lab.through.pass_through", None)
    assert through_gateway(asked, tmp_path / "parts", tmp_path / "scratch") == told
