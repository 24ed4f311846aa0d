"""The curves against the strength of evasions: what is played at a strength, and how it is told."""

from benchmarks.detection.curves import at, table
from detector.simulator.world import load_world


def test_a_strength_holds_for_all_evasions_and_the_dilution() -> None:
    world = load_world("evasive")
    none, half, full = (at(world, s) for s in (0.0, 0.5, 1.0))
    for plan, without, middle, all_of_it in zip(
        world.campaigns, none.campaigns, half.campaigns, full.campaigns, strict=True
    ):
        assert set(without.evasions.values()) <= {0.0}
        assert set(middle.evasions.values()) == {0.5}
        assert set(all_of_it.evasions.values()) == {1.0}
        assert (without.dilution, middle.dilution, all_of_it.dilution) == (0.0, plan.dilution / 2, plan.dilution)
        assert (without.accounts, without.per_day, without.kind) == (plan.accounts, plan.per_day, plan.kind)
    assert any(plan.dilution > 0 for plan in world.campaigns)
    assert half.population == world.population


def test_the_table_has_a_row_a_campaign() -> None:
    text = table(
        (0.0, 1.0), {"b": [(1.0, 0.1), (0.5, 0.9)], "a": [(0.0, 1.0), (0.0, 1.0)]}, {"a": "swarm", "b": "kind"}
    )
    assert text.splitlines() == [
        "| campaign | kind | 0 | 1 |",
        "|---|---|---:|---:|",
        "| a | swarm | 0.00 (1.00) | 0.00 (1.00) |",
        "| b | kind | 1.00 (0.10) | 0.50 (0.90) |",
    ]
