"""What a detector would find that reads nothing but habits: the fields of requests, averaged for each account."""

import numpy as np
import polars as pl
from sklearn.tree import DecisionTreeClassifier

NUMBERS = (
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_tokens",
    "tool_calls",
    "temperature",
    "top_p",
    "n",
    "max_tokens",
    "top_logprobs",
    "n_messages",
    "latency_ms",
)
WORDS = (
    "route",
    "user_agent",
    "tls_fingerprint",
    "response_format",
    "stop_reason",
    "status",
    "stream",
    "logprobs",
    "retention",
    "operation",
    "model",
    "tools",
    "country",
    "tier",
    "signup_email_domain",
    "allowances",
)
PRESENT = ("conversation_id", "end_user_id", "system_prompt", "tools", "reasoning_tokens", "temperature", "max_tokens")
DISTINCT = ("api_key_id", "end_user_id", "conversation_id", "ip", "user_agent", "model")
# Kinds that are a parameter or an endpoint: what they are after shows in the field itself.
EXEMPT = ("soft_labels", "embeddings_harvest")


# Texts, payment means and networks are left out: that a campaign shares them is what a detector is meant to find.
ACCOUNT_FIELDS = ("country", "tier", "signup_email_domain", "allowances")


def combine(requests: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Requests with their account's fields, lists as text."""
    joined = requests.join(accounts.select("account_id", *ACCOUNT_FIELDS), on="account_id", how="left")
    # A world without allowances has lists of nothing, which have no type.
    return joined.with_columns(pl.col("tools", "allowances").cast(pl.List(pl.String)).list.join(","))


def account_table(requests: pl.DataFrame, accounts: pl.DataFrame) -> pl.DataFrame:
    """Means and spreads of raw fields, one row an account, sorted by account."""
    aggregates = [pl.col(c).cast(pl.Float64).mean().alias(f"{c}_mean") for c in NUMBERS]
    aggregates += [pl.col(c).cast(pl.Float64).std(ddof=0).alias(f"{c}_spread") for c in NUMBERS]
    aggregates += [pl.col(c).is_not_null().mean().alias(f"{c}_present") for c in PRESENT]
    aggregates += [(pl.col(c).n_unique() / pl.len()).alias(f"{c}_distinct") for c in DISTINCT]
    table = requests.group_by("account_id").agg(aggregates)
    joined = table.join(accounts.select("account_id", "created_at"), on="account_id")
    born = pl.col("created_at").cast(pl.Float64)
    return joined.with_columns((pl.lit(requests["ts"].min()) - born).alias("age")).drop("created_at").sort("account_id")


def single_values(requests: pl.DataFrame, hostile: set[str]) -> list[tuple[str, object, float, float]]:
    """(field, value, precision, recall) of calling hostile every account that shows the value mostly."""
    out = []
    wanted = pl.Series(sorted(hostile))
    for field in (*WORDS, "temperature", "max_tokens", "n", "top_logprobs", "top_p"):
        share = requests.group_by("account_id").agg(
            pl.col(field).cast(pl.String).fill_null("(none)").mode().min().alias("v")
        )
        counted = share.group_by("v").agg(
            pl.col("account_id").is_in(wanted.implode()).sum().alias("hit"), pl.len().alias("all")
        )
        out += [(field, v, hit / size, hit / len(hostile)) for v, hit, size in counted.iter_rows()]
    return out


def tree_curve(table: pl.DataFrame, train: np.ndarray, test: np.ndarray, label: np.ndarray) -> float:
    """Best precision of a depth-5 tree at a recall above 0.3."""
    x = table.drop("account_id").fill_null(-1.0).fill_nan(-1.0).to_numpy()
    tree = DecisionTreeClassifier(max_depth=5, class_weight="balanced", random_state=0, min_samples_leaf=3)
    tree.fit(x[train], label[train])
    score = tree.predict_proba(x[test])[:, 1]
    truth = label[test]
    best = 0.0
    for cut in np.unique(score):
        flagged = score >= cut
        if (flagged & truth).sum() > 0.3 * truth.sum():
            best = max(best, float((flagged & truth).sum() / flagged.sum()))
    return best
