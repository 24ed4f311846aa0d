"""The path that a provider takes: LiteLLM's callback, Kafka, the service, the console, a verdict, a gateway's configuration, undo."""

import json

import pytest
from broker import broker
from browser import installed
from callback import load_callback
from kafka.admin import KafkaAdminClient, NewTopic
from revenuer import serving, tiny

pytestmark = pytest.mark.slow
installed()


def payload(record):
    """A record of the world as LiteLLM would log it: its `StandardLoggingPayload`."""
    texts = (("system", record["system_prompt"]), ("user", record["prompt"]))
    message = {"role": "assistant", "content": "", "tool_calls": [{}] * (record["tool_calls"] or 0)}
    asked = ("temperature", "top_p", "n", "max_tokens", "logprobs", "top_logprobs", "stream", "response_format")
    good = record["status"] == 200
    return {
        "id": record["request_id"],
        "call_type": "aembedding" if record["operation"] == "embeddings" else "acompletion",
        "status": "success" if good else "failure",
        "error_information": None if good else {"error_code": str(record["status"])},
        "startTime": record["ts"],
        "endTime": record["ts"] + (record["latency_ms"] or 0) / 1000,
        "model": record["model"],
        "model_parameters": {name: record[name] for name in asked if record[name] is not None},
        "messages": [{"role": role, "content": text} for role, text in texts if text is not None],
        "response": {"choices": [{"message": message, "finish_reason": record["stop_reason"]}]},
        "prompt_tokens": record["input_tokens"],
        "completion_tokens": record["output_tokens"],
        "end_user": record["end_user_id"],
        "session_id": record["conversation_id"],
        "requester_ip_address": record["ip"],
        "user_agent": record["user_agent"],
        "metadata": {
            "user_api_key_hash": record["api_key_id"],
            "user_api_key_user_id": record["account_id"],
            "user_api_key_org_id": record["org_id"],
        },
    }


@pytest.fixture
def topic(monkeypatch):
    with broker() as address:
        admin = KafkaAdminClient(bootstrap_servers=address.split(","))
        admin.create_topics([NewTopic(name="calls", num_partitions=1, replication_factor=1)])
        admin.close()
        monkeypatch.setenv("REVENUER_KAFKA_BOOTSTRAP", address)
        monkeypatch.setenv("REVENUER_KAFKA_TOPIC", "calls")
        yield {"kafka_bootstrap": address, "kafka_topic": "calls"}


def said(page, text):
    page.wait_for_function(
        "(text) => document.getElementById('did').textContent === text || !document.getElementById('said').hidden",
        arg=text,
    )
    assert page.text_content("#said") == ""


def test_from_a_call_to_a_gateways_configuration_and_back(tmp_path, topic, browser, monkeypatch):
    data, lines = tiny(tmp_path)
    records = [json.loads(line) for line in lines]
    callback = load_callback(monkeypatch)
    with serving(data, topic) as served:
        page = browser.new_context().new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{served.url}/console/")
        page.fill("#token", served.token)
        page.keyboard.press("Enter")
        page.wait_for_selector("#none:not([hidden])")
        page.wait_for_selector("#live.on")

        for record in records:
            callback.log_success_event(kwargs={"standard_logging_object": payload(record)}, response_obj=None)
        callback.producer.flush()
        callback.producer.close()

        # It comes by itself: nothing is loaded again.
        page.click("#alerts .title:text-matches('^[0-9]+ accounts')")
        page.wait_for_selector("#case h2:text-matches('^[0-9]+ accounts')")
        alert = page.get_attribute("#case", "data-subject")
        served.settle(len(records))

        page.fill("#note", "one wrapper, many payers")
        page.click("#case button:text('Confirm')")
        said(page, f"{alert} is confirmed.")
        assert served.client.get(f"/v1/alerts/{alert}").json()["status"] == "confirmed"

        page.select_option("#case select[aria-label='Format']", "litellm")
        rendering = "#case section:has(h3:text('Recommendation')) pre:text-matches('DRY RUN')"
        shown = page.wait_for_selector(rendering).text_content()
        told = served.client.get(f"/v1/alerts/{alert}").json()
        made = served.client.get(f"/v1/recommendations/{told['recommendation']['id']}?format=litellm").json()
        # As text with its lines, not as a string of JSON in one of them.
        assert shown == made["preview"]
        assert len(shown.splitlines()) > 5
        for note in made["notes"]:
            page.wait_for_selector(
                f"#case li:text-is({json.dumps(note)})"
            )  # a case that is drawn anew asks for it again
        assert (made["format"], made["dry_run"], made["config"]) == ("litellm", True, {})

        page.click("#case button:text('Undo')")
        said(page, f"The last decision on {alert} is taken back.")
        after = served.client.get(f"/v1/alerts/{alert}").json()
        assert after["status"] == "open"
        (decision,) = served.client.get(f"/v1/alerts/{alert}/history").json()["decisions"]
        assert (decision["after"], decision["note"]) == ("confirmed", "one wrapper, many payers")
        assert decision["undone_at"] is not None
        page.context.close()
    truth = json.loads((tmp_path / "world" / "truth.json").read_text())
    campaigns = [set(ids) for ids in truth["campaigns"].values()]
    assert any(len(ids & set(after["accounts"])) >= len(ids) / 2 for ids in campaigns)
