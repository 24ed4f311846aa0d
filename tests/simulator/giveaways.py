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
# Kinds that are a parameter or an endpoint, with what shows.
EXEMPT = {
    "soft_labels": "log-probabilities are what it is after, so that top_logprobs is set",
    "embeddings_harvest": "vectors are what it is after, so that the operation is embeddings",
}


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


def usual_values(requests: pl.DataFrame) -> pl.DataFrame:
    """The value of each field that each account shows mostly."""
    fields = (*WORDS, "temperature", "max_tokens", "n", "top_logprobs", "top_p")
    usual = [pl.col(f).cast(pl.String).fill_null("(none)").mode().min().alias(f) for f in fields]
    return requests.group_by("account_id").agg(usual)


def single_values(usual: pl.DataFrame, hostile: set[str]) -> list[tuple[str, object, float, float]]:
    """(field, value, precision, recall) of calling hostile every account that shows the value mostly.

    A value that one or two accounts have, such as the mail domain of a company, is a name and no habit.
    """
    mine = pl.col("account_id").is_in(pl.Series(sorted(hostile)).implode())
    out = []
    for field in usual.columns[1:]:
        counted = usual.group_by(field).agg(mine.sum().alias("hit"), pl.len().alias("all")).filter(pl.col("all") > 2)
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
