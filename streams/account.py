"""`revenuer.account.v1`: what the provider knows of an account, in versions."""

from typing import Final

import polars as pl

from streams.fields import TIME, Field, schema_of

S = pl.String()
ALLOWANCE: Final = pl.List(pl.Struct({"name": S, "owner": S, "expires_at": TIME, "scope": S}))

ACCOUNT: Final = (
    Field("account_id", S, "", "the account", required=True),
    Field("org_id", S, "", "its organisation"),
    Field("created_at", TIME, "RFC 3339 or seconds since 1970", "sign-up"),
    Field("tier", S, "", "plan"),
    Field("payment_fingerprint", S, "", "token of the payment means"),
    Field("signup_email_domain", S, "", "mail domain at sign-up"),
    Field("signup_ip", S, "", "address at sign-up"),
    Field("country", S, "", "country at sign-up; scores nothing by itself"),
    Field("allowances", ALLOWANCE, "", "names, or {name, owner, expires_at, scope}"),
    Field("updated_at", TIME, "RFC 3339 or seconds since 1970", "since when this version holds"),
    Field("closed_at", TIME, "RFC 3339 or seconds since 1970", "when it was closed"),
)
ACCOUNT_SCHEMA: Final = schema_of(ACCOUNT)
