"""`revenuer.account.v1`: what the provider knows of an account, in versions."""

from typing import Final

import polars as pl

from streams.fields import TIME, Field, schema_of

S = pl.String()
ALLOWANCE: Final = pl.List(pl.Struct({"name": S, "owner": S, "expires_at": TIME, "scope": pl.List(S)}))

ACCOUNT: Final = (
    Field("account_id", S, "", "the account", required=True),
    Field("org_id", S, "", "its organisation"),
    Field("created_at", TIME, "RFC 3339 or seconds since 1970", "sign-up"),
    Field("tier", S, "", "plan"),
    Field("payment_fingerprint", S, "", "token of the payment means"),
    Field("signup_email_domain", S, "", "mail domain at sign-up"),
    Field("signup_ip", S, "", "address at sign-up"),
    Field("country", S, "", "country at sign-up; scores nothing by itself"),
    Field("allowances", ALLOWANCE, "", "names, or {name, owner, expires_at, scope}; a scope is a list of reason codes"),
    Field("updated_at", TIME, "RFC 3339 or seconds since 1970", "since when this version holds"),
    Field("closed_at", TIME, "RFC 3339 or seconds since 1970", "when it was closed"),
)
ACCOUNT_SCHEMA: Final = schema_of(ACCOUNT)


def scope_of(value: object) -> list[str] | None:
    """Reason codes that an allowance is limited to, of a list, or of one string with commas; None where it is not limited.

    Raises:
        TypeError: it is neither.
    """
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise TypeError("a scope is a list of reason codes")
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))
