"""Sigma modifiers that compare a field with the benign reference: `requests|gt_benign: p99`."""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from sigma.exceptions import SigmaValueError
from sigma.modifiers import SigmaModifier, SigmaValueModifier, modifier_mapping, reverse_modifier_mapping
from sigma.types import NoPlainConversionMixin, SigmaString, SigmaType

from detector.scoring.rules.model import QUANTILES
from detector.scoring.rules.tree import Operator


@dataclass
class BenignQuantile(NoPlainConversionMixin, SigmaType):
    """The value of a detection item that is compared with a benign quantile."""

    operator: Operator
    level: str


class _BenignModifier(SigmaValueModifier[SigmaString, BenignQuantile]):
    operator: ClassVar[Operator]

    def modify(self, val: SigmaString) -> BenignQuantile:
        level = str(val)
        if level not in QUANTILES:
            raise SigmaValueError(f"'{level}' is no benign quantile: {', '.join(QUANTILES)}")
        return BenignQuantile(self.operator, level)


class GreaterThanBenign(_BenignModifier):
    """`gt_benign`: above the quantile."""

    operator = ">"


class GreaterThanEqualBenign(_BenignModifier):
    """`gte_benign`: at the quantile or above."""

    operator = ">="


class LessThanBenign(_BenignModifier):
    """`lt_benign`: below the quantile."""

    operator = "<"


class LessThanEqualBenign(_BenignModifier):
    """`lte_benign`: at the quantile or below."""

    operator = "<="


BENIGN: Final[dict[str, type[SigmaModifier[Any, Any]]]] = {
    "gt_benign": GreaterThanBenign,
    "gte_benign": GreaterThanEqualBenign,
    "lt_benign": LessThanBenign,
    "lte_benign": LessThanEqualBenign,
}
NUMERIC: Final = ("gt", "gte", "lt", "lte")


def register() -> None:
    """Make the modifiers known to pySigma, whose table is one for the whole process; doing it twice changes nothing."""
    modifier_mapping.update(BENIGN)
    reverse_modifier_mapping.update({modifier.__name__: name for name, modifier in BENIGN.items()})
