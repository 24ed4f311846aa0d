"""The null of groups found by likeness can be measured, on a small world."""

from benchmarks.lookalikes_null import measured


def test_it_measures_groups_and_who_stands_beside_them(tmp_path):
    found = measured(600, 911, tmp_path)
    assert sum(kind["groups"] for kind in found["kinds"].values()) > 0
    assert found["beside"] > 0
    assert 0.0 <= found["would_belong"] < 0.5
