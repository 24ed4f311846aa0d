"""The gateway against OpenAI's own client, and against what Revenuer renders for a proxy."""

import json
import socket
import threading

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lab needs torch: extra `lab`")

import httpx
import msgspec
import openai
import typer
import uvicorn
from typer.testing import CliRunner

from detector.alerts.model import BlastRadius, Limit, Recommendation, Subject
from detector.alerts.render.litellm import litellm
from detector.simulator.lab.gateway.__main__ import ADMIN as ADMIN_VARIABLE
from detector.simulator.lab.gateway.__main__ import main
from detector.simulator.lab.gateway.app import Gateway, make_app
from detector.simulator.lab.gateway.asking import MODEL, question
from detector.simulator.lab.gateway.keys import Holder, Keys
from detector.simulator.lab.gateway.log import Log
from detector.simulator.lab.tasks import draw
from detector.simulator.lab.teacher import shipped
from detector.simulator.lab.vocabulary import decode
from streams.sources.files import FileSource

ADMIN = "admin-secret"
SUM = "sum 3 + 4 * 2 - 1 + 5 ?"
WORKED = "3 + 4 = 7 ; 7 * 2 = 4 ; 4 - 1 = 3 ; 3 + 5 = 8 ; answer 8 ."


class Running:
    """A gateway that listens; its clock stands still until it is moved."""

    def __init__(self, log):
        self.now, self.log = 1_772_409_600.0, log
        holders = {f"sk-{name}": Holder(f"acct_{name}", "org_1") for name in ("a", "b", "c")}
        gateway = Gateway(shipped(), Keys(holders, lambda: self.now), Log(log), ADMIN, lambda: self.now)
        self.server = uvicorn.Server(uvicorn.Config(make_app(gateway), log_level="warning", lifespan="off"))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],))
        self.thread.start()
        self.clients = []

    def client(self, name="a"):
        made = openai.OpenAI(api_key=f"sk-{name}", base_url=f"{self.url}/v1", max_retries=0, timeout=30)
        self.clients.append(made)
        return made

    def ask(self, name="a", prompt=SUM, **kwargs):
        messages = [{"role": "user", "content": prompt}]
        options = {"model": MODEL, "temperature": 0} | kwargs
        return self.client(name).chat.completions.create(messages=messages, **options)

    def manage(self, path, body, secret=ADMIN):
        return httpx.post(self.url + path, json=body, headers={"Authorization": f"Bearer {secret}"})

    def enforce(self, recommendation):
        for call in litellm(recommendation, "key").config["calls"]:
            assert self.manage(call["path"], call["body"]).status_code == 200

    def degrade(self, recommendation):
        body = msgspec.to_builtins(recommendation)
        assert self.manage("/degrade", body).status_code == 200

    def lines(self):
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self):
        for client in self.clients:
            client.close()
        self.server.should_exit = True
        self.thread.join(20)
        self.socket.close()


@pytest.fixture
def gateway(tmp_path):
    running = Running(tmp_path / "requests.ndjson")
    yield running
    running.stop()


def recommendation(action, accounts, quota=0, degrade=(), *, dry_run=False):
    return Recommendation(
        id="rec_1",
        subject=Subject("cluster", "alr_1", accounts),
        action=action,
        limits=(Limit("requests", quota, 60),),
        degrade=degrade,
        reason_codes=("SWARM",),
        alert_id="alr_1",
        created_at="2026-03-02T00:00:00.000Z",
        expires_at="2026-03-09T00:00:00.000Z",
        dry_run=dry_run,
        blast_radius=BlastRadius(len(accounts), 1.0, {}),
    )


def test_the_client_gets_an_answer_with_its_reasoning(gateway):
    got = gateway.ask()
    assert got.choices[0].message.content == WORKED
    assert (got.object, got.model, got.choices[0].finish_reason) == ("chat.completion", MODEL, "stop")
    assert (got.usage.prompt_tokens, got.usage.completion_tokens) == (11, 27)
    assert got.usage.completion_tokens_details.reasoning_tokens == 24


def test_a_stream_says_the_same(gateway):
    pieces = list(gateway.ask(stream=True))
    assert "".join(p.choices[0].delta.content or "" for p in pieces) == WORKED
    assert pieces[0].choices[0].delta.role == "assistant"
    assert [p.choices[0].finish_reason for p in pieces if p.choices[0].finish_reason] == ["stop"]


def test_log_probabilities_are_the_teachers(gateway):
    each = gateway.ask(logprobs=True, top_logprobs=3).choices[0].logprobs.content
    assert "".join(token.token for token in each) == WORKED
    assert all(len(token.top_logprobs) == 3 for token in each)
    assert all(token.top_logprobs[0].logprob >= token.logprob - 1e-3 for token in each)
    assert gateway.ask().choices[0].logprobs is None


def test_several_answers_and_a_limit_of_tokens(gateway):
    got = gateway.ask(n=3, temperature=1.0, max_tokens=5, seed=1)
    assert [c.index for c in got.choices] == [0, 1, 2]
    assert {c.finish_reason for c in got.choices} == {"length"}
    assert all(len(c.message.content.split()) == 5 for c in got.choices)
    again = gateway.ask(n=3, temperature=1.0, max_tokens=5, seed=1)
    assert [c.message.content for c in again.choices] == [c.message.content for c in got.choices]


def test_the_model_is_listed(gateway):
    assert [model.id for model in gateway.client().models.list()] == [MODEL]
    with pytest.raises(openai.AuthenticationError):
        gateway.client("stranger").models.list()


@pytest.mark.parametrize(
    ("name", "asked", "error"),
    [
        ("stranger", {}, openai.AuthenticationError),
        ("a", {"model": "other"}, openai.NotFoundError),
        ("a", {"prompt": "write a poem"}, openai.BadRequestError),
        ("a", {"prompt": "sum 3 + 4 ?"}, openai.BadRequestError),
        ("a", {"n": 99}, openai.BadRequestError),
    ],
)
def test_errors_are_those_that_the_client_knows(gateway, name, asked, error):
    with pytest.raises(error) as raised:
        gateway.ask(name, **asked)
    assert raised.value.body["message"]


def test_every_task_can_be_asked():
    for q in draw(np.random.default_rng(1), 60):
        for row in range(len(q)):
            read = question(decode(q.prompts[row]))
            assert read.task == q.task
            np.testing.assert_array_equal(read.prompts[0], q.prompts[row])
            np.testing.assert_array_equal(read.table[0], q.table[row])
            assert read.answers.shape[1] == q.answers.shape[1]


def test_a_rendered_suspension_stops_its_accounts_and_no_others(gateway):
    gateway.enforce(recommendation("suspend", ("acct_a", "acct_b"), 5))
    for name in ("a", "b"):
        with pytest.raises(openai.PermissionDeniedError):
            gateway.ask(name)
    assert gateway.ask("c").choices[0].message.content == WORKED


def test_a_rendered_throttle_is_shared_and_comes_back(gateway):
    gateway.enforce(recommendation("throttle", ("acct_a", "acct_b"), 2))
    gateway.ask("a")
    gateway.ask("b")
    with pytest.raises(openai.RateLimitError):
        gateway.ask("a")
    gateway.ask("c")
    gateway.now += 60
    gateway.ask("b")


@pytest.mark.parametrize("name", ["a", "b"])
def test_degraded_accounts_get_the_answer_alone(gateway, name):
    asked = {"logprobs": True, "top_logprobs": 2, "n": 2, "seed": 3}
    whole = gateway.ask(name, **asked)
    assert (len(whole.choices), whole.choices[0].message.content) == (2, WORKED)
    gateway.degrade(recommendation("degrade", ("acct_a", "acct_b"), degrade=("strip_logprobs", "summarise_reasoning")))
    got = gateway.ask(name, **asked)
    assert [c.message.content for c in got.choices] == ["answer 8 ."] * 2
    assert [c.logprobs for c in got.choices] == [None] * 2
    assert (got.usage.completion_tokens, got.usage.completion_tokens_details.reasoning_tokens) == (6, 0)
    assert gateway.ask("c", **asked).choices[0].message.content == WORKED
    # The log keeps what was asked for, and what was given.
    first, second, third = gateway.lines()
    assert (first["logprobs"], second["logprobs"], second["n"]) == (True, True, 2)
    assert (second["completion"], second["output_tokens"]) == ("answer 8 .\nanswer 8 .", 6)
    assert third["reasoning_tokens"] == first["reasoning_tokens"] > 0


def test_one_candidate_and_whole_reasoning_where_only_that_is_withheld(gateway):
    gateway.degrade(recommendation("throttle", ("acct_a",), degrade=("single_candidate", "round_embeddings")))
    got = gateway.ask("a", n=3, logprobs=True)
    assert [c.message.content for c in got.choices] == [WORKED]
    assert got.choices[0].logprobs is not None


def test_what_is_withheld_is_left_out_of_streams_too(gateway):
    gateway.degrade(recommendation("degrade", ("acct_a",), degrade=("summarise_reasoning",)))
    assert "".join(p.choices[0].delta.content or "" for p in gateway.ask(stream=True)) == "answer 8 ."


def test_a_dry_run_degrades_nobody(gateway):
    gateway.degrade(recommendation("degrade", ("acct_a",), degrade=("summarise_reasoning",), dry_run=True))
    assert gateway.ask("a").choices[0].message.content == WORKED


def test_what_was_enforced_can_be_taken_back(gateway):
    gateway.enforce(recommendation("suspend", ("acct_a",)))
    gateway.degrade(recommendation("degrade", ("acct_a",), degrade=("summarise_reasoning",)))
    assert gateway.manage("/key/unblock", {"key": "acct_a"}).status_code == 200
    assert gateway.ask("a").choices[0].message.content == "answer 8 ."
    assert gateway.manage("/restore", {"accounts": ["acct_a"]}).status_code == 200
    assert gateway.ask("a").choices[0].message.content == WORKED
    assert gateway.manage("/restore", {"accounts": ["acct_nobody"]}).status_code == 404
    assert gateway.manage("/key/unblock", {"key": "acct_a"}, "sk-a").status_code == 401


def test_tokens_run_out(gateway):
    assert gateway.manage("/key/update", {"key": "acct_a", "tpm_limit": 30}).status_code == 200
    gateway.ask("a")
    with pytest.raises(openai.RateLimitError):
        gateway.ask("a")


def test_only_those_who_enforce_may_manage(gateway):
    assert gateway.manage("/key/block", {"key": "acct_a"}, "sk-a").status_code == 401
    assert gateway.manage("/key/block", {"key": "acct_nobody"}).status_code == 404
    assert gateway.manage("/key/update", {"key": "acct_a", "team_id": "none"}).status_code == 404
    unknown = msgspec.to_builtins(recommendation("degrade", ("acct_nobody",), degrade=("strip_logprobs",)))
    assert gateway.manage("/degrade", unknown).status_code == 404
    assert gateway.manage("/degrade", unknown, "sk-a").status_code == 401
    gateway.ask("a")


def test_the_detector_reads_the_log(gateway):
    gateway.ask("a", logprobs=True)
    gateway.ask("b", prompt=f"  {SUM} ")
    with pytest.raises(openai.BadRequestError):
        gateway.ask("b", prompt="write a poem")
    batches = list(FileSource([gateway.log]).batches())
    assert [row for batch in batches for row in batch.frame["status"]] == [200, 200, 400]
    assert not any(batch.dead for batch in batches)
    first, second, third = gateway.lines()
    assert (first["account_id"], first["status"], first["logprobs"], first["completion"]) == (
        "acct_a",
        200,
        True,
        WORKED,
    )
    assert (second["prompt"], second["output_tokens"], second["reasoning_tokens"]) == (SUM, 27, 24)
    assert (third["status"], "completion" in third) == (400, False)


def test_it_can_be_served_by_command(tmp_path, monkeypatch):
    served = []
    monkeypatch.setattr(uvicorn, "run", lambda _, **said: served.append(said))
    app, keys = typer.Typer(), tmp_path / "keys.ndjson"
    app.command()(main)
    told = ["--keys", str(keys), "--log", str(tmp_path / "requests.ndjson"), "--port", "8812"]
    runner = CliRunner(env={ADMIN_VARIABLE: ADMIN})
    keys.write_text('{"key": "sk-a", "account_id": "acct_a"}\n')
    assert runner.invoke(app, told).exit_code == 0
    assert served == [{"host": "127.0.0.1", "port": 8812}]
    keys.write_text('{"key": "sk-a"}\n')
    for done in (runner.invoke(app, told), CliRunner().invoke(app, told)):
        assert done.exit_code == 2
    assert len(served) == 1
