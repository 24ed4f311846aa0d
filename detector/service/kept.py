"""What is kept of a batch once it was digested: the columns that engine and deduplicator read beside the digest; none holds text."""

from typing import Final

KEPT: Final = ("ts", "request_id", "account_id", "api_key_id", "end_user_id", "model", "status", "log_ref")
