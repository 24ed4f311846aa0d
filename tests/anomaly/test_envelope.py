"""Model files: what is saved comes back; everything else is refused, and nothing is ever unpickled."""

import hashlib
import json
import pickle
import struct

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import COLUMNS, accounts

from detector.scoring.anomaly import envelope
from detector.scoring.anomaly.envelope import EnvelopeError, load, save
from detector.scoring.anomaly.fit import fit
from detector.scoring.anomaly.model import AnomalyModel

NAMES = [f"f{i}" for i in range(COLUMNS)]
ARRAYS = {
    "a": np.arange(6, dtype=np.float64).reshape(2, 3),
    "b": np.array([1, -2], dtype=np.int32),
    "c": np.empty((0, 4)),
}


def made(header, data=b"", version=1):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    body = raw + data
    return struct.pack("<8sII32s", b"RVNRMODL", version, len(raw), hashlib.sha256(body).digest()) + body


def test_what_is_saved_comes_back(tmp_path):
    path = tmp_path / "model"
    save(path, {"seed": 3, "names": ["x"]}, ARRAYS)
    content = load(path)
    assert content.facts == {"seed": 3, "names": ["x"]}
    assert list(content.arrays) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert content.arrays[name].dtype == array.dtype
        assert content.arrays[name].shape == array.shape
        assert (content.arrays[name] == array).all()
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_the_same_content_is_the_same_file(tmp_path):
    save(tmp_path / "a", {}, ARRAYS)
    save(tmp_path / "b", {}, ARRAYS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('unpickled')",)


@pytest.mark.parametrize("opened", ["pickle", "npy of objects", "npz", "empty"])
def test_files_that_could_run_code_are_never_opened(tmp_path, opened):
    path = tmp_path / "model"
    with path.open("wb") as file:
        if opened == "pickle":
            pickle.dump(Trap(), file)
        elif opened == "npy of objects":
            np.save(file, np.array([Trap()], dtype=object), allow_pickle=True)
        elif opened == "npz":
            np.savez(file, a=np.zeros(3))
    with pytest.raises(EnvelopeError, match="not a model"):
        load(path)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (made({"facts": {}, "arrays": {}}, version=2), "version 2"),
        (made({"facts": {}, "arrays": {"a": {"dtype": "|O", "shape": [1]}}}, b"8bytes.."), "kind"),
        (made({"facts": {}, "arrays": {"a": {"dtype": "<f8", "shape": [1 << 40]}}}, b"8bytes.."), "beyond"),
        (made({"facts": {}, "arrays": {"a": {"dtype": "<f8", "shape": [-1]}}}, b"8bytes.."), "kind"),
        (made({"facts": {}, "arrays": {"a": {"dtype": "<f8", "shape": [1 << 62, 1 << 62]}}}, b"8bytes.."), "beyond"),
        (made({"facts": {}, "arrays": {}}, b"more"), "too many"),
        (made({"facts": {}, "arrays": {}, "run": "x"}), "unknown field"),
        (made({"facts": {}}), "missing"),
        (made(b"\xff\xfe"), "damaged"),
        (made({"facts": {}, "arrays": {str(i): {"dtype": "<f8", "shape": [0]} for i in range(300)}}), "300 arrays"),
    ],
)
def test_crafted_files_are_refused(tmp_path, raw, why):
    path = tmp_path / "model"
    path.write_bytes(raw)
    with pytest.raises(EnvelopeError, match=why):
        load(path)


def test_a_header_longer_than_the_file_is_refused(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(struct.pack("<8sII32s", b"RVNRMODL", 1, 1 << 30, hashlib.sha256(b"{}").digest()) + b"{}")
    with pytest.raises(EnvelopeError, match="header"):
        load(path)


@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_any_changed_byte_is_noticed(tmp_path_factory, place, change):
    path = tmp_path_factory.getbasetemp() / "flipped"
    save(path, {"seed": 3}, ARRAYS)
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] ^= change
    path.write_bytes(raw)
    with pytest.raises(EnvelopeError):
        load(path)


def test_too_much_is_neither_written_nor_read(tmp_path, monkeypatch):
    monkeypatch.setattr(envelope, "MOST_BYTES", 1000)
    with pytest.raises(EnvelopeError, match="more than"):
        save(tmp_path / "model", {}, {"a": np.zeros(1000)})
    (tmp_path / "large").write_bytes(b"RVNRMODL" + bytes(2000))
    with pytest.raises(EnvelopeError, match="larger"):
        load(tmp_path / "large")
    with pytest.raises(EnvelopeError, match="kind"):
        save(tmp_path / "model", {}, {"a": np.array(["text"], dtype=object)})
    assert not (tmp_path / "model").exists()


@pytest.fixture(scope="module")
def model():
    x, kinds = accounts(400)
    return fit(frame(x, kinds), NAMES, ("ecod",))


def frame(x, kinds):
    return pl.DataFrame(x, schema=NAMES).with_columns(pl.Series("stratum", list(kinds)))


def test_a_saved_model_scores_the_same(model, tmp_path):
    model.save(tmp_path / "m")
    again = AnomalyModel.load(tmp_path / "m")
    rows = frame(*accounts(50, seed=2))
    assert again.score(rows).score.tolist() == model.score(rows).score.tolist()
    assert again.score(rows).p_value.tolist() == model.score(rows).p_value.tolist()
    assert again.drift(rows).index.tolist() == model.drift(rows).index.tolist()
    assert again.recipe == model.recipe


@pytest.mark.parametrize("name", ["weights0", "biases2", "low", "null0", "edges", "counts"])
def test_models_that_do_not_hang_together_are_refused(model, tmp_path, name):
    model.save(tmp_path / "m")
    facts, arrays = load(tmp_path / "m")
    for broken in (None, np.zeros((3, 3, 3)), np.full(3, np.nan)):
        parts = {k: v for k, v in arrays.items() if k != name} | ({} if broken is None else {name: broken})
        save(tmp_path / "broken", facts, parts)
        with pytest.raises(EnvelopeError, match="not an anomaly model"):
            AnomalyModel.load(tmp_path / "broken")


def test_another_kind_of_model_is_refused(model, tmp_path):
    model.save(tmp_path / "m")
    facts, arrays = load(tmp_path / "m")
    save(tmp_path / "other", facts | {"kind": "other"}, arrays)
    with pytest.raises(EnvelopeError, match="kind other"):
        AnomalyModel.load(tmp_path / "other")
