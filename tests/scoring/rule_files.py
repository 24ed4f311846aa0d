"""A small sound rule, and ways to break it."""

from pathlib import Path

SOUND = """\
title: Many requests of unrelated accounts
id: 3f1c2b34-5d67-4a89-9b01-23456789abcd
status: test
description: Counts requests.
references:
  - A public report
author: Revenuer
date: 2026-11-24
tags:
  - atlas.aml.t0024.002
logsource:
  product: llm_api
  category: account_window
detection:
  selection:
    requests|gt_benign: p99
    multi_turn_share|lt: 0.1
  filter_tools:
    tool_result_share|gt: 0.2
  condition: selection and not filter_tools
falsepositives:
  - Batch jobs
level: low
revenuer:
  code: MANY_REQUESTS
  weight: 1.5
  evidence: timing
  feature: requests
  text: Makes more requests than nearly all accounts.
  reference:
    requests: {p99: 100}
  tests:
    - name: a harvest
      fires: true
      window: {requests: 500, multi_turn_share: 0.0, tool_result_share: null}
    - name: an agent
      fires: false
      window: {requests: 500, multi_turn_share: 0.0, tool_result_share: 0.9}
"""
FIELDS = {
    "account_window": {
        "requests": "requests",
        "multi_turn_share": "share",
        "tool_result_share": "share",
        "output_tokens": "tokens",
    },
    "cluster_window": {"members": "accounts"},
}


def written(folder: Path, text: str = SOUND, name: str = "rule.yml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def line_of(text: str, part: str) -> int:
    """1-based line of the only line of a text that contains a part."""
    found = [i for i, line in enumerate(text.splitlines(), 1) if part in line]
    assert len(found) == 1, (part, found)
    return found[0]
