"""What coordination asks of a group before it is looked at in full is what the rules ask of it then: no more, and no less."""

import pytest
import yaml

from detector.coordination import kin, lookalikes
from detector.scoring.rules import default_folder

POOLS = ("one_operator", "levelled_pool", "probable_operator")


def asked(rule):
    return yaml.safe_load((default_folder() / f"cluster_{rule}.yml").read_text())["detection"]["selection"]


@pytest.mark.parametrize("rule", POOLS)
def test_lookalikes_may_stray_from_one_generator_as_far_as_the_rules_admit(rule):
    assert asked(rule)["generator_evidence|gt"] == lookalikes._STRAYED


@pytest.mark.parametrize("rule", POOLS)
def test_lookalikes_that_talk_are_those_that_the_rules_for_pools_leave_to_the_rule_for_agents(rule):
    assert asked(rule)["multi_turn_share|lt"] == lookalikes._TALK


@pytest.mark.parametrize("rule", POOLS)
def test_kin_are_as_unrelated_as_the_rules_ask(rule):
    assert asked(rule)["unrelated_share|gt"] == kin._UNRELATED


def test_kin_are_named_where_the_rule_names_them():
    assert asked("one_operator")["level_evidence|gte"] == kin._NAMED
