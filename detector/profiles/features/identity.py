"""Who: addresses, networks, fingerprints, keys, end users behind one account or cluster."""

import numpy as np

from detector.profiles.features.base import View, feature
from detector.profiles.layout import DAY_US, F64


def _declare(name: str, bitmap: str, needs: str, meaning: str) -> None:
    feature(name, "distinct", f"linear count of {needs}, to about 270", (needs,), meaning)(lambda v: v.distinct(bitmap))


_declare("addresses", "address", "ip", "fan-in of addresses")
_declare("networks", "network", "ip", "fan-in of /24 networks")
_declare("tls_fingerprints", "tls", "tls_fingerprint", "fan-in of client stacks")
_declare("api_keys", "key", "api_key_id", "keys in use")
_declare("end_users", "end_user", "end_user_id", "people behind the account")
_declare("conversations", "conversation", "conversation_id", "threads")
_declare("routes", "route", "route", "access pathways")


@feature("account_age_days", "days", "now − created_at", ("created_at",), "low is fresh", window="—")
def account_age_days(v: View) -> F64:
    """From the account file; the youngest member of a cluster."""
    return np.maximum((v.now - v.created) / DAY_US, 0.0)
