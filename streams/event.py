"""`revenuer.event.v1`: what happened at the provider."""

from typing import Final

import polars as pl

from streams.fields import TIME, Field, schema_of

S = pl.String()
KINDS: Final = ("model_launch", "ban", "outage", "enforcement")

EVENT: Final = (
    Field("ts", TIME, "RFC 3339 or seconds since 1970", "event time", required=True),
    Field(
        "kind", S, "", "model_launch, ban, outage or enforcement; an event of another kind is refused", required=True
    ),
    Field("model", S, "", "model concerned"),
    Field("account_id", S, "", "account concerned"),
    Field("note", S, "", "free text; not kept"),
)
EVENT_SCHEMA: Final = schema_of(EVENT)
