"""Labels, and who cannot move the reference with them."""

import pytest

from detector.scoring.labelled import Said, read_labels, verdicts


def said(subject, label, actor, kind="account"):
    return Said(subject, label, actor, kind)


def test_two_people_are_needed_and_one_of_them_twice_is_one():
    assert verdicts([said("a", "benign", "ann"), said("a", "benign", "ann")], {}).benign == frozenset()
    assert verdicts([said("a", "benign", "ann"), said("a", "benign", "bob")], {}).benign == {"a"}
    assert verdicts([said("a", "attack", "ann"), said("a", "attack", "bob")], {}).attack == {"a"}


def test_who_says_the_contrary_stops_it_and_may_change_their_mind():
    both = [said("a", "benign", "ann"), said("a", "benign", "bob"), said("a", "attack", "cy")]
    assert verdicts(both, {}).benign == frozenset()
    assert verdicts([*both, said("a", "unsure", "cy")], {}).benign == {"a"}
    assert verdicts([*both, said("a", "unsure", "cy"), said("a", "unsure", "bob")], {}).benign == frozenset()


def test_an_alert_stands_for_its_accounts_and_one_that_is_not_known_for_none():
    labels = [said("alr_1", "benign", who, "alert") for who in ("ann", "bob")] + [
        said("alr_2", "benign", "ann", "alert")
    ]
    assert verdicts(labels, {"alr_1": ["a", "b"]}).benign == {"a", "b"}


def test_a_file_is_read_and_what_is_no_label_is_named(tmp_path):
    path = tmp_path / "labels.ndjson"
    path.write_text(
        '{"id": 1, "kind": "account", "subject": "a", "label": "benign", "actor": "ann", "at": 5, "note": null}\n\n'
    )
    assert read_labels(path) == [said("a", "benign", "ann")]
    path.write_text('{"subject": "a", "label": "fine", "actor": "ann"}\n')
    with pytest.raises(ValueError, match=r"labels\.ndjson:1: not a label"):
        read_labels(path)
