import pytest

from detector.simulator.lab.parts import Parts


def test_a_finished_part_is_made_once(tmp_path):
    made = []
    parts = Parts(tmp_path / "parts")
    for _ in range(2):
        assert parts.get("a", {"n": 1}, lambda: made.append(1) or {"x": 2}) == {"x": 2}
    assert made == [1]


def test_a_part_of_other_inputs_is_made_anew(tmp_path):
    parts = Parts(tmp_path)
    parts.keep("a", {"n": 1}, {"x": 1})
    assert parts.get("a", {"n": 2}, lambda: {"x": 2}) == {"x": 2}


@pytest.mark.parametrize("cut", ["", "{", '{"asked": 3}', "[]"])
def test_a_cut_part_is_made_anew(tmp_path, cut):
    parts = Parts(tmp_path)
    parts.keep("a", {}, {"x": 1})
    (tmp_path / "a.json").write_text(cut)
    assert parts.find("a", {}) is None


def test_a_part_that_fails_leaves_nothing(tmp_path):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Parts(tmp_path).get("a", {}, fail)
    assert list(tmp_path.iterdir()) == []
