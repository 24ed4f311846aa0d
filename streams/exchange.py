"""`revenuer.exchange.v1`: a request to a model API and its response, one record."""

from typing import Final

import polars as pl

from streams.fields import STRINGS, TIME, Field, schema_of

S, I, F, B = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()  # noqa: E741 - the letters stand in one table below

EXCHANGE: Final = (
    Field("ts", TIME, "RFC 3339 or seconds since 1970", "event time of the request", required=True),
    Field("request_id", S, "", "unique within the account for 24 h", required=True),
    Field("account_id", S, "", "who is answerable for the request", required=True),
    Field("model", S, "", "model asked", required=True),
    Field("org_id", S, "", "organisation of the account"),
    Field("api_key_id", S, "", "key used, never the key itself"),
    Field("end_user_id", S, "", "the customer's own user"),
    Field("operation", S, "", "chat (default), text_completion, embeddings"),
    Field("route", S, "", "access pathway"),
    Field("status", I, "HTTP", "status answered, 200 by default"),
    Field("system_prompt", S, "", "system prompt; read, digested, forgotten"),
    Field("prompt", S, "", "last user turn; read, digested, forgotten"),
    Field("completion", S, "", "answer; not kept"),
    Field("n_messages", I, "messages", "turns sent, without the system prompt"),
    Field("n_tool_results", I, "messages", "tool results among them; from `messages` where absent"),
    Field("conversation_id", S, "", "thread"),
    Field("input_tokens", I, "tokens", "tokens sent"),
    Field("output_tokens", I, "tokens", "tokens answered"),
    Field("cached_tokens", I, "tokens", "tokens sent that were cached"),
    Field("reasoning_tokens", I, "tokens", "tokens of hidden reasoning"),
    Field("tools", STRINGS, "", "names of tools offered"),
    Field("tool_calls", I, "calls", "tool calls answered"),
    Field("temperature", F, "", "sampling temperature"),
    Field("top_p", F, "", "nucleus"),
    Field("n", I, "candidates", "candidates asked for"),
    Field("max_tokens", I, "tokens", "limit asked for"),
    Field("logprobs", B, "", "log-probabilities asked for"),
    Field("top_logprobs", I, "tokens", "alternatives asked for"),
    Field("stream", B, "", "streamed"),
    Field("response_format", S, "", "text, json_object, json_schema"),
    Field("stop_reason", S, "", "why the answer ended"),
    Field("latency_ms", F, "ms", "time to answer"),
    Field("reasoning_refs_out", STRINGS, "", "hashes of reasoning artefacts issued"),
    Field("reasoning_refs_in", STRINGS, "", "hashes of reasoning artefacts presented"),
    Field("log_ref", S, "", "pointer into the provider's own store"),
    Field("retention", S, "", "normal or zero; of zero no word of the texts is shown as evidence"),
    Field("ip", S, "", "client address"),
    Field("asn", I, "", "autonomous system of the address"),
    Field("country", S, "", "country of the address; scores nothing by itself"),
    Field("user_agent", S, "", "client software as it names itself"),
    Field("tls_fingerprint", S, "", "JA4"),
)
EXCHANGE_SCHEMA: Final = schema_of(EXCHANGE)
REQUIRED: Final = tuple(f.name for f in EXCHANGE if f.required)
IDENTIFIERS: Final = ("request_id", "account_id", "org_id", "api_key_id", "end_user_id", "conversation_id", "model")
COUNTS: Final = tuple(f.name for f in EXCHANGE if f.dtype == I and f.name != "asn")
MESSAGES: Final = "messages"  # in the log only: it fills prompt, system_prompt and the counts
