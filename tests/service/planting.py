"""A world whose every free text holds canaries."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canaries import Canaries

from detector.simulator.generate import write
from detector.simulator.world import load_world

Record = dict[str, Any]
# Free text beside prompts; identifiers and models are kept by their names and hold no canary.
FREE = ("completion", "response_format", "stop_reason", "route", "country", "user_agent", "tls_fingerprint")
TOO_LONG = (16 << 20) + 1  # bytes


@dataclass
class Planted:
    """Files with canaries.

    Attributes:
        canaries: what was planted.
        records: exchanges in time order.
        broken: lines that cannot be read.
        accounts, events: files of which every line can be read.
        accounts_broken, events_broken: the same with lines that cannot.
    """

    canaries: Canaries
    records: list[Record]
    broken: list[bytes]
    accounts: bytes
    events: bytes
    accounts_broken: bytes
    events_broken: bytes

    def lines(self) -> list[bytes]:
        return [json.dumps(record).encode() for record in self.records]


def planted(folder: Path) -> Planted:
    """The world `tiny`, written to a folder, with canaries."""
    write(load_world("tiny"), folder)
    canaries = Canaries()
    campaigns = json.loads((folder / "truth.json").read_text())["campaigns"]
    farm = sorted(campaigns["task_list"])
    accounts = list(_lines(folder / "accounts.ndjson"))
    _relate(accounts, farm)
    organisations = {a["account_id"]: a["org_id"] for a in accounts}
    records = list(_lines(folder / "requests.ndjson"))
    shared = _Templates(canaries, farm)
    for number, record in enumerate(records):
        record["org_id"] = organisations.get(record["account_id"], record["org_id"])
        shared.fill(record, number) if record["account_id"] in shared.own else _mark(record, number, canaries)
        for name in FREE:
            record[name] = f"{record.get(name) or ''} {canaries.word(name)}".strip()
        record["tools"] = [canaries.word("tools")]
        record["unknown"] = {"nested": [canaries.word("a field that is unknown")]}
    for account in accounts:
        account["note"] = canaries.word("an account's field that is unknown")
    events = list(_lines(folder / "events.ndjson"))
    for event in events:
        event["note"] = canaries.word("an event's note")
    good = [b"".join(json.dumps(r).encode() + b"\n" for r in rows) for rows in (accounts, events)]
    return Planted(
        canaries,
        records,
        list(_broken(canaries, records[0]["ts"])),
        *good,
        good[0] + _broken_facts(canaries, "account", {"account_id": "acct-x", "allowances": 7}),
        good[1] + _broken_facts(canaries, "event", {"ts": records[0]["ts"], "kind": ["ban"]}),
    )


def _lines(path: Path) -> Iterator[Record]:
    yield from map(json.loads, path.read_text().splitlines())


def _relate(accounts: list[Record], farm: list[str]) -> None:
    """Six members in one organisation with a card each, six with three cards in an organisation each, the others unrelated."""
    for account in accounts:
        if account["account_id"] in farm:
            place = farm.index(account["account_id"])
            if place < 6:
                account["org_id"] = "org-office"
            elif place < 12:
                account["payment_fingerprint"] = f"pm-{place % 3}"


class _Templates:
    """Prompts of the farm: one template of all, and one that too few unrelated payers share."""

    def __init__(self, canaries: Canaries, farm: list[str]) -> None:
        self.canaries = canaries
        w = [canaries.word("fixed words of a template", fixed=True) for _ in range(4)]
        self.all = f"Read the {w[0]} below and give all steps of the {w[1]} in full:\n%s\nThen say what {w[2]} {w[3]} means for %s"
        s = canaries.word("fixed words of a system prompt", fixed=True)
        self.system = f"You answer as a careful {s} who writes for pupils of a school"
        # The words stand at both ends and in between: whatever part of a text is taken, one of them is in it.
        texts = {
            "office": "{0} memo for the staff: write the {0} report about %s and send it to our {0}",
            "cards": "Dear {0} team, please turn {0} notes with %s into an essay that a {0} would sign {0}",
            "four": "As every {0} knows we compare {0} figures: explain %s so that no {0} has to ask {0}",
        }
        own = {name: text.format(canaries.word(f"a text of too few payers ({name})")) for name, text in texts.items()}
        self.own = {a: own["office" if i < 6 else "cards" if i < 12 else "four"] for i, a in enumerate(farm)}

    def fill(self, record: Record, number: int) -> None:
        slots = self._slots()
        if number % 3:
            record["prompt"] = self.all % (record["prompt"], slots)
            record["system_prompt"] = self.system
        else:
            record["prompt"] = self.own[record["account_id"]] % slots

    def _slots(self) -> str:
        word = self.canaries.word
        number, quoted, single, curly = word("a number"), word("a quotation"), word("a quotation"), word("a quotation")
        code, fence, url, mail = word("code"), word("code"), word("a URL"), word("a mail address")
        return (
            f"{number}7 and 8{number} and \"{quoted}\" and '{single}' and “{curly}” and `{code}` and ```\n{fence}\n``` "
            f"and https://{url}.example.com/{url}?q={url} and {mail}@example.com and {word('a slot')}"
        )


def _mark(record: Record, number: int, canaries: Canaries) -> None:
    """Canaries in the texts of everybody else; every eleventh record gives them as messages."""
    prompt, system = f"{record['prompt']} {canaries.word('prompt')}", record.get("system_prompt")
    if number % 5 == 0:
        system = f"{system or 'You are helpful.'} {canaries.word('system_prompt')}"
    if number % 11:
        record["prompt"], record["system_prompt"] = prompt, system
        return
    del record["prompt"], record["system_prompt"]
    record["messages"] = [
        {"role": "system", "content": f"{system} {canaries.word('messages')}"},
        {"role": "tool", "content": canaries.word("a tool's result")},
        {"role": "assistant", "content": [{"type": "text", "text": canaries.word("messages")}]},
        {"role": "user", "content": [{"type": "text", "text": prompt}, {"type": canaries.word("messages")}]},
    ]


def _broken(canaries: Canaries, ts: float) -> Iterator[bytes]:
    """A line for every reason for which a line is refused."""
    word = canaries.word
    good = {
        "ts": ts,
        "request_id": "r",
        "account_id": "acct-broken",
        "model": "sage-3",
        "prompt": word("a broken line"),
    }
    yield f'{{"prompt": "{word("not JSON")}'.encode()
    yield f"{word('not JSON')} is what I asked".encode()
    yield json.dumps([good, word("not an object")]).encode()
    yield json.dumps({**good, "n_messages": word("wrong type")}).encode()
    yield json.dumps({**good, "temperature": [word("wrong type")]}).encode()
    yield json.dumps({**good, "ts": word("no time")}).encode()
    yield json.dumps({**good, "account_id": None}).encode()
    yield json.dumps({**good, "request_id": word("an id that is too long") * 80}).encode()
    yield json.dumps({**good, "output_tokens": -1}).encode()
    yield json.dumps(good).encode().replace(b"prompt", b"prompt\xff")
    yield b'{"prompt": ' + b"[" * 100 + f'"{word("too deep")}"'.encode() + b"]" * 100 + b"}"
    yield json.dumps({**good, "prompt": f"\ud800 {word('half a surrogate pair')}"}).encode()
    yield json.dumps({**good, "prompt": f"{word('too long')} " * (TOO_LONG // 9)}).encode()


def _broken_facts(canaries: Canaries, kind: str, wrong: Record) -> bytes:
    word = canaries.word(f"a broken {kind}")
    lines = [f'{{"{word}": "{word}', json.dumps({**wrong, "note": word}), json.dumps({"note": word}), word]
    return "".join(line + "\n" for line in lines).encode()
