"""Any JSON through a declarative map: where each field of the contract stands in a foreign record."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.adapters.base import Adapter, Json, compact
from streams.adapters.casts import Cast
from streams.adapters.values import at, items, mapping, text


@dataclass(frozen=True)
class Source:
    """Where a field comes from.

    Attributes:
        paths: dotted; the first at which there is something is taken.
        cast: applied to what is found.
        values: what stands for what.
        otherwise: stands for values that are not among these; where None, they are left as they are.
        constant: taken where nothing is found.
    """

    paths: tuple[str, ...] = ()
    cast: Cast | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    otherwise: object = None
    constant: object = None

    def read(self, record: Json) -> object:
        """Value of the field, or None."""
        for path in self.paths:
            found = at(record, path)
            if found is None or found in ("", "-"):  # access logs write what is absent as a dash
                continue
            if self.values:
                known = self.values.get(text(found) or "")
                found = known if known is not None else found if self.otherwise is None else self.otherwise
            value = self.cast(found) if self.cast else found
            if value is not None:
                return value
        return self.constant


@dataclass(frozen=True)
class Condition:
    """What a record must have.

    Attributes:
        present: paths at which there is something.
        equal: path, and the values of which one must be there.
    """

    present: tuple[str, ...] = ()
    equal: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def holds(self, record: Json) -> bool:
        """Whether a record has it all."""
        return all(at(record, path) is not None for path in self.present) and all(
            at(record, path) in values for path, values in self.equal.items()
        )


@dataclass(frozen=True)
class FieldMap:
    """A map as it was declared.

    Attributes:
        name: of the format.
        recognise: what every record of the format has.
        where: what an exchange has besides; a record without it tells of something else.
        records: path of the list of exchanges in a record; None where the record is one.
        fields: source of each field.
    """

    name: str
    recognise: Condition
    fields: Mapping[str, Source]
    where: Condition = field(default_factory=Condition)
    records: str | None = None


class Mapped(Adapter):
    """An adapter that does what a map says.

    Args:
        declared: the map.
        account_path: instead of the map's own source of `account_id`.
    """

    name = "fieldmap"

    def __init__(self, declared: FieldMap, account_path: str | None = None) -> None:
        super().__init__(account_path)
        self.declared = declared
        self.fields = frozenset(declared.fields)

    def recognises(self, record: Json) -> bool:
        """Whether the record has what the map asks for."""
        return self.declared.recognise.holds(record)

    def exchanges(self, record: Json) -> Iterator[dict[str, Any]]:
        """The record, or each element of its list, as the map reads it."""
        listed = self.declared.records
        for one in map(mapping, items(at(record, listed)) if listed else (record,)):
            if self.declared.where.holds(one):
                fields = {name: source.read(one) for name, source in self.declared.fields.items()}
                yield compact({**fields, "account_id": self.account(one, fields.get("account_id"))})
