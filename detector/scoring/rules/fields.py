"""The taxonomy of rules: which fields each category has. The declarations of the features are the only list."""

from collections.abc import Mapping

from detector.scoring.rules.model import ACCOUNT_WINDOW, CLUSTER_WINDOW

Fields = Mapping[str, Mapping[str, str]]
"""Category → field → unit."""


def known_fields() -> Fields:
    """Fields of both categories: a cluster has those of an account, from its merged profile, and its own."""
    # Compiled kernels stand behind the declarations: whoever brings a taxonomy need not load them.
    from detector.coordination.features import CLUSTER_FEATURES  # noqa: PLC0415 - see above
    from detector.profiles.features import FEATURES  # noqa: PLC0415 - see above

    account = {name: declared.unit for name, declared in FEATURES.items()}
    cluster = {name: declared.unit for name, declared in CLUSTER_FEATURES.items()}
    return {ACCOUNT_WINDOW: account, CLUSTER_WINDOW: account | cluster}
