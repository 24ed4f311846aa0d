"""The sentence above a case."""

import pytest

from detector.report.case import read_case
from detector.report.words import headline

ONE_OPERATOR = {"code": "ONE_OPERATOR", "text": "x", "value": 20.0, "benign_p99": 42.0, "weight": 11.5}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"evidence": {}}, "24 accounts share next to nothing and act as one"),
        ({"evidence": {"links": {"tls": 0.6}}}, "24 accounts share next to nothing and act as one"),
        ({"evidence": {"links": {"network": 3.0}}}, "24 accounts come from the same networks"),
        ({"evidence": {"payers": 1, "links": {"tls": 4.0}}}, "24 accounts of 1 payer use one client"),
        (
            {"reasons": [ONE_OPERATOR], "evidence": {"payers": 24, "links": {"template": 6.0}}},
            "24 accounts of 24 payers share one load, as one operator would, and fill one prompt template",
        ),
        ({"reasons": [ONE_OPERATOR], "evidence": {}}, "24 accounts share one load, as one operator would"),
        (
            {
                "reasons": [ONE_OPERATOR | {"code": "TWIN_EMBEDDERS"}],
                "evidence": {"payers": 3, "links": {"payment": 6.0}},
            },
            "24 accounts of 3 payers embed texts of like lengths at level volumes, and pay with the same cards",
        ),
        (
            {"kind": "account", "reasons": [ONE_OPERATOR | {"text": "Keeps one pace."}]},
            "One account: keeps one pace",
        ),
        ({"kind": "account", "reasons": []}, "One account: stands out from ordinary traffic"),
    ],
)
def test_a_case_is_told_in_one_sentence(make_alert, changes, sentence):
    assert headline(read_case(make_alert() | changes)) == sentence
