r"""Makes the fixtures that come from real libraries: `python tests/adapters/make_fixtures.py [litellm|otel]`.

Run it in an environment of its own; the project needs none of these at run time or in its tests:

    pip install litellm openai opentelemetry-sdk opentelemetry-exporter-otlp-json-common \
        "opentelemetry-instrumentation-openai-v2==2.4b0" "opentelemetry-util-genai<1" "wrapt<2"

LiteLLM's own SDK answers from `mock_response`; OpenAI's client talks to a stub on this machine, so that nothing leaves it.
The fixtures of Bedrock and of the gateways are made by hand from their documents, since neither can be run here.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FIXTURES = Path(__file__).parent / "fixtures"
SYSTEM = {"role": "system", "content": "Answer in one sentence."}
ASK = {"role": "user", "content": "Why is the sky blue?"}
MESSAGES = [SYSTEM, {"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}, ASK]
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks a word up",
        "parameters": {"type": "object", "properties": {"word": {"type": "string"}}},
    },
}


def litellm_fixtures():
    """Payloads that a `CustomLogger` of LiteLLM is given."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch prices otherwise
    import litellm
    from litellm.integrations.custom_logger import CustomLogger

    seen = []

    class Keep(CustomLogger):
        def log_success_event(self, kwargs, *_, **__):
            seen.append(kwargs["standard_logging_object"])

        log_failure_event = log_success_event

    litellm.callbacks = [Keep()]
    who = {
        "user_api_key_hash": "key-2001",
        "user_api_key_user_id": "acct-1001",
        "user_api_key_team_id": "team-7",
        "user_api_key_org_id": "org-3",
        "user_api_key_end_user_id": "end-5",
        "requester_ip_address": "192.0.2.7",
    }
    common = {"model": "gpt-4o-mini", "metadata": who, "user": "end-5"}
    litellm.completion(
        **common,
        messages=MESSAGES,
        mock_response="Because of scattering.",
        temperature=0.2,
        max_tokens=64,
        tools=[TOOL],
    )
    for _ in litellm.completion(
        **common,
        messages=[SYSTEM, ASK],
        mock_response="Because of scattering.",
        stream=True,
        logprobs=True,
        top_logprobs=5,
    ):
        pass
    litellm.completion(
        **common,
        messages=[ASK],
        mock_tool_calls=[
            {"id": "call-1", "type": "function", "function": {"name": "look_up", "arguments": '{"word": "sky"}'}}
        ],
        tools=[TOOL],
        response_format={"type": "json_object"},
    )
    litellm.embedding(model="text-embedding-3-small", input=["blue", "sky"], mock_response=[0.1, 0.2], metadata=who)
    with contextlib.suppress(litellm.RateLimitError):
        refusal = litellm.RateLimitError("too many", "openai", "gpt-4o-mini")
        litellm.completion(**common, messages=[ASK], mock_response=refusal)
    for _ in range(100):  # streamed answers are logged from a thread of their own
        if len(seen) >= 5:
            break
        threading.Event().wait(0.1)
    assert len(seen) == 5, "LiteLLM swallows what a callback raises"
    for payload in seen:
        payload["error_information"] = {**(payload["error_information"] or {}), "traceback": ""}  # holds local paths
        payload["model_map_information"] = None  # prices: long, and of no use here
    write("litellm.ndjson", sorted(seen, key=lambda p: p["startTime"]))


class Stub(BaseHTTPRequestHandler):
    """Answers in the shape of OpenAI's API."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        usage = {
            "prompt_tokens": 30,
            "completion_tokens": 5,
            "total_tokens": 35,
            "prompt_tokens_details": {"cached_tokens": 10},
        }
        if "input" in asked:
            body = {
                "object": "list",
                "model": asked["model"],
                "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
                "usage": {"prompt_tokens": 4, "total_tokens": 4},
            }
            return self.answer(200, body)
        if asked["messages"][-1]["content"] == "fail":
            return self.answer(
                429, {"error": {"message": "too many", "type": "requests", "code": "rate_limit_exceeded"}}
            )
        message = {"role": "assistant", "content": "Because of scattering."}
        reason = "stop"
        if asked.get("tools"):
            call = {"id": "call-1", "type": "function", "function": {"name": "look_up", "arguments": '{"word": "sky"}'}}
            message, reason = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
        number = sum(len(str(m)) for m in asked["messages"]) + len(asked.get("tools") or ())
        body = {
            "id": f"chatcmpl-{number:04}",
            "object": "chat.completion",
            "created": 1772000000,
            "model": asked["model"],
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": usage,
        }
        return self.answer(200, body)

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        """Silent."""


def otel_fixtures():
    """OTLP/JSON as OpenTelemetry's own encoder writes it, for each way to set the instrumentation up."""
    latest = {"OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental"}
    content = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
    ways = {
        "off": latest,
        "spans": {**latest, content: "span_only"},
        "events": {**latest, content: "event_only", "OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT": "true"},
        "legacy": {content: "true"},
    }
    for way, settings in ways.items():
        # The instrumentation reads its settings once, so that each needs a process.
        subprocess.run([sys.executable, __file__, f"otel:{way}"], env={**os.environ, **settings}, check=True)


def otel_calls(way):
    """Calls through the instrumented client of OpenAI, with spans and log records in one export each."""
    from openai import OpenAI, RateLimitError
    from opentelemetry.exporter.otlp.json.common._log_encoder import encode_logs
    from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    resource = Resource({"service.name": "shop", "tenant.id": "acct-1001"})
    spans, logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
    tracing, logging = TracerProvider(resource=resource), LoggerProvider(resource=resource)
    tracing.add_span_processor(SimpleSpanProcessor(spans))
    logging.add_log_record_processor(SimpleLogRecordProcessor(logs))
    OpenAIInstrumentor().instrument(tracer_provider=tracing, logger_provider=logging)
    server = HTTPServer(("127.0.0.1", 0), Stub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/v1", api_key="none", max_retries=0)
    with tracing.get_tracer("shop").start_as_current_span("GET /answers", attributes={"user.id": "user-9"}):
        client.chat.completions.create(
            model="gpt-4o-mini", messages=MESSAGES, temperature=0.2, max_tokens=64, top_p=0.9
        )
        client.chat.completions.create(model="gpt-4o-mini", messages=[ASK], tools=[TOOL])
        client.embeddings.create(model="text-embedding-3-small", input="blue")
        with contextlib.suppress(RateLimitError):
            client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "fail"}])
    server.shutdown()
    lines = [encode_spans(spans.get_finished_spans()).to_dict()]
    if finished := logs.get_finished_logs():
        lines.append(encode_logs(finished).to_dict())
    write(f"otel_{way}.ndjson", lines)


def write(name, records):
    """One record a line."""
    FIXTURES.mkdir(exist_ok=True)
    (FIXTURES / name).write_text("".join(json.dumps(r, default=str) + "\n" for r in records))


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["litellm", "otel"]
    for what in wanted:
        if what == "litellm":
            litellm_fixtures()
        elif what == "otel":
            otel_fixtures()
        else:
            otel_calls(what.removeprefix("otel:"))
