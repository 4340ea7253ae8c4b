"""Which columns of a mart follow the rule for other people's counts: `config.meta.disclosure`.

    config:
      meta:
        disclosure:
          counts: [patient_count, encounter_count]  # null where suppressed, else multiples of 10
          money: [total_cost]                       # null where suppressed or dominated, else 100s
          measures: [near_share]                    # derived: null where suppressed
          exact: {patient_group: [own]}             # rows of one's own, not under the rule

`counts` is required, the rest may be left out. In a mart with a column `is_suppressed` that column
says of each row whether its counts, money and measures are null; without one, each is null for
itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestrate.contracts.names import read_meta

SUPPRESSED_COLUMN: Final = "is_suppressed"
# What the name of a count of persons contains.
_PATIENTS: Final = "patient"
_WHOLE_NUMBERS: Final = ("integer", "bigint", "smallint")
_LISTS: Final = ("counts", "money", "measures")


@dataclass(frozen=True)
class Disclosure:
    """Columns that follow the rule; rows where a column of `exact` has one of its values do not."""

    counts: tuple[str, ...]
    money: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    exact: tuple[tuple[str, tuple[str, ...]], ...] = ()


def read_disclosure(
    node: Mapping[str, Any], columns: Mapping[str, str], *, is_own: bool, problems: list[str]
) -> Disclosure | None:
    """Read the declaration of a mart; `columns` are its types by name.

    `is_own`: the mart shows each reader rows about itself or its own patients, which are exact. A
    mart that counts other people, as far as its columns tell, has to declare how.
    """
    declared = read_meta(node).get("disclosure")
    if declared is None:
        counted = [
            name
            for name, data_type in columns.items()
            if name == SUPPRESSED_COLUMN
            or (not is_own and _PATIENTS in name and data_type in _WHOLE_NUMBERS)
        ]
        if counted:
            problems.append(
                f"it declares no config.meta.disclosure, but {', '.join(counted)} is about counts"
                " of other people"
            )
        return None
    if not isinstance(declared, dict) or set(declared) - {*_LISTS, "exact"}:
        problems.append(f"config.meta.disclosure has other keys than {', '.join(_LISTS)}, exact")
        return None
    lists = {key: _names(declared.get(key), problems, key) for key in _LISTS}
    exact = declared.get("exact") or {}
    if not isinstance(exact, dict):
        problems.append("config.meta.disclosure.exact is not a mapping of column to values")
        exact = {}
    if not lists["counts"]:
        problems.append("config.meta.disclosure names no counts")
    named = [name for names in lists.values() for name in names]
    unknown = [name for name in (*named, *exact) if name not in columns]
    if unknown:
        problems.append(f"config.meta.disclosure names unknown columns {', '.join(unknown)}")
    problems.extend(
        f"config.meta.disclosure: {name} is not of a type of {key}"
        for key, types in (("counts", _WHOLE_NUMBERS), ("money", ("numeric",)))
        for name in lists[key]
        if columns.get(name, types[0]).partition("(")[0] not in types
    )
    forgotten = [
        name
        for name, data_type in columns.items()
        if name not in named and _PATIENTS in name and data_type in _WHOLE_NUMBERS
    ]
    if forgotten:
        problems.append(f"config.meta.disclosure forgets {', '.join(forgotten)}")
    return Disclosure(
        lists["counts"],
        lists["money"],
        lists["measures"],
        tuple(
            (str(column), _names(values, problems, f"exact.{column}"))
            for column, values in sorted(exact.items())
        ),
    )


def _names(value: object, problems: list[str], key: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, Sequence) or isinstance(value, str):
        problems.append(f"config.meta.disclosure.{key} is not a list")
        return ()
    return tuple(str(one) for one in value)
