"""Account and event files of the service: a bad line is refused and told, and keeps nothing from starting."""

import pytest

from detector.service.serve_cli import _table

GOOD = {"accounts": '{"account_id": "a1"}', "events": '{"ts": 1780000000, "kind": "ban"}'}
BAD = {"accounts": '{"account_id": "a2", "allowances": 7}', "events": '{"ts": 1780000000, "kind": "bann"}'}


@pytest.mark.parametrize("kind", GOOD)
def test_a_bad_line_is_refused_with_a_warning(tmp_path, capsys, kind):
    path = tmp_path / f"{kind}.ndjson"
    path.write_text(f"{GOOD[kind]}\n{BAD[kind]}\n")
    table = _table(path, kind == "accounts")
    assert table is not None
    assert table.height == 1
    said = "".join(capsys.readouterr())
    assert "lines_refused" in said
    assert f"{path}:2: " in said
