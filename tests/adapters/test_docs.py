"""docs/adapters.md says of each format what it cannot tell; the table is made of the adapters themselves."""

from pathlib import Path

from detector.profiles.features import unavailable
from streams.adapters.casts import CASTS
from streams.adapters.registry import ADAPTERS
from streams.exchange import EXCHANGE_SCHEMA, MESSAGES

PAGE = Path(__file__).parents[2] / "docs" / "adapters.md"
FROM_MESSAGES = {"prompt", "system_prompt", "n_messages", "n_tool_results"}


def missing(name):
    fields = ADAPTERS[name](None).fields
    told = fields | FROM_MESSAGES if MESSAGES in fields else fields
    # The account file has the age of an account, whatever the log is.
    features = [f for f in unavailable(set(told)) if f != "account_age_days"]
    listed = (sorted(set(EXCHANGE_SCHEMA) - told), sorted(features))
    return [", ".join(f"`{n}`" for n in names) for names in listed]


def test_what_a_format_cannot_tell_is_said():
    page = PAGE.read_text()
    for name in ADAPTERS:
        fields, features = missing(name)
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        assert row.endswith(f"| {fields} | {features} |"), f"{fields} | {features}"


def test_the_page_names_every_cast():
    page = PAGE.read_text()
    assert [cast for cast in CASTS if f"`{cast}`" not in page] == []
