"""Mutants of the rules that protect patients: SQL of models as a mutated macro or model makes it.

They are made from the compiled models, so that a new mart that follows a rule brings its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from orchestrate.contracts.marts import Mart


class RuleMutant(NamedTuple):
    """One change for the worse: its kind, what it changes, and the new SQL of models by name."""

    kind: str
    target: str
    models: Mapping[str, str]


class Change(NamedTuple):
    """A change of compiled SQL: what is found, and what stands there afterwards."""

    kind: str
    found: str
    becomes: str


_SMALL = r"\(([\w.]+) > 0 and \1 < 11\)"
# Keys of persons; those of areas and cells name what their row shows anyway.
_KEY = r"coalesce\(nullif\(current_setting\([^)]*\), ''\), '\w+'\)"
_SEPARATED = r" \|\| chr\(31\) \|\| "
_INNER = r"encode\(sha256\(convert_to\("
_PURPOSE = r"('patient'|'encounter'|'procedure'|'activity')"
_WITHOUT_KEY = r"encode(sha256(convert_to(\1"
_NO_ROWS = r"\g<0> where false"
# Of a macro: in all places of a model, and of all models at once.
EVERYWHERE = (
    Change("threshold of ten", _SMALL, r"(\1 > 0 and \1 < 10)"),
    Change("threshold of six", _SMALL, r"(\1 > 0 and \1 < 6)"),
    Change("threshold of two", _SMALL, r"(\1 > 0 and \1 < 2)"),
    Change("threshold that passes over one", _SMALL, r"(\1 > 1 and \1 < 11)"),
    Change("threshold dropped", _SMALL, r"false"),
    Change("counts rounded to 5", r"/ 10\) \* 10", r"/ 5) * 5"),
    Change("counts not rounded", r"/ 10\) \* 10", r"/ 1) * 1"),
    Change("counts cut off", r"round\(([\w.]+::numeric / 10)\)", r"floor(\1)"),
    Change("money rounded to hundreds", r"greatest\(100, 10 \* ([\w.]+)\)", r"100"),
    Change("money rounded by one price", r"greatest\(100, 10 \* ([\w.]+)\)", r"greatest(100, \1)"),
    Change("money not rounded", r"round\((total_cost::numeric) / cost_step\) \* cost_step", r"\1"),
    Change("averages of those not shown", r"when detail_is_visible then", r"when true then"),
    Change("dominance loosened", r"> 0\.9 \*", r"> 0.99 *"),
    Change("dominance dropped", r"> 0\.9 \*", r"> 1.1 *"),
    Change("dominance of one", r"cost_rank <= 2", r"cost_rank <= 1"),
    Change("ages over ninety told", r">= 90 then '90\+'", r">= 120 then '90+'"),
    Change("whole ZIP told", r"then left\(([\w.]+), 3\)", r"then left(\1, 5)"),
    Change("sparse ZIP told", r"and [\w.]+ is null(\s+then left)", r"\1"),
    Change("days told", r"date_trunc\('month', (\([\w.]+ at time zone 'UTC'\))\)", r"\1"),
    Change(
        "one owner of all keys",
        r"\|\| chr\(31\) \|\| [\w.]*client_id",
        r"|| chr(31) || 'everybody'",
    ),
    Change("no key", _KEY + _SEPARATED + _INNER + _KEY + _SEPARATED + _PURPOSE, _WITHOUT_KEY),
)
# Of a model: in one place.
IN_A_PLACE = (
    Change("threshold dropped in a place", _SMALL, r"false"),
    Change("threshold of ten in a place", _SMALL, r"(\1 > 0 and \1 < 10)"),
    Change("counts not rounded in a place", r"/ 10\) \* 10", r"/ 1) * 1"),
    Change("flag forgotten", r"(?m)^.* as is_suppressed(,?)$", r"false as is_suppressed\1"),
    Change("flag always up", r"(?m)^.* as is_suppressed(,?)$", r"true as is_suppressed\1"),
    Change("others taken for one's own", r"false as is_exact", r"true as is_exact"),
    Change("an or for an and", r"not is_exact and", r"not is_exact or"),
    Change("encounters hidden by code shown", r"from hidden_by_own_code\n", _NO_ROWS),
    Change("encounters hidden by procedures shown", r"from hidden_by_procedures\n", _NO_ROWS),
    Change("hidden procedures shown", r"where hidden_codes\.code is null", r""),
    Change("hidden encounters shown", r"where hidden_encounters\.encounter_id is null", r""),
    Change("rows of payers not shown", r"where paid_encounters\.detail_is_visible", r""),
    Change("findings of payers not shown", r"(?m)^    where is_shown$", r""),
    Change("findings of everybody", r"detail_is_visible as is_shown", r"true as is_shown"),
    Change("costs that tell numbers", r"and average_price \* procedures_(low|high) .*", r""),
    Change(
        "costs that tell of rows below",
        r"and lines_telling\.cell_id is null as is_shown",
        r"as is_shown",
    ),
    Change("pairs of few expected", r"or measured\.crude_expected_patients >= 5", r"or true"),
    Change("directions of hidden pairs", r"is_suppressed\s+or deviation = 0", r"deviation = 0"),
    Change(
        "directions by true counts",
        r"case when is_exact then (\w+) else [\s\S]+? end as \1_(low|high)",
        r"\1 as \1_\2",
    ),
    Change(
        "statistics of hidden pairs",
        r"case when is_exact then ([^\n]+) end as (expected|residual|crude\w*)",
        r"\1 as \2",
    ),
    Change("small counties named", r"then 'Other counties'", r"then county"),
    Change("claims of hidden care", r"case when not has_hidden_procedures then (\w+) end", r"\1"),
)


def rule_mutants(
    models: Mapping[str, str], marts: Mapping[str, Mart], scopes: Mapping[str, str]
) -> Iterator[RuleMutant]:
    """Make the mutants of the compiled models by name; `marts` are those of them that are shown.

    `scopes` name the scopes by what they are of: two may be called open and restricted.
    """
    for change in EVERYWHERE:
        changed = {
            name: mutated
            for name, text in models.items()
            if (mutated := re.sub(change.found, change.becomes, text)) != text
        }
        for name, text in changed.items():
            yield RuleMutant(change.kind, name, {name: text})
        if len(changed) > 1:
            yield RuleMutant(f"{change.kind} in all models", "all models", changed)
    for change in IN_A_PLACE:
        for name, text in models.items():
            for number, place in enumerate(re.finditer(change.found, text)):
                mutated = text[: place.start()] + place.expand(change.becomes) + text[place.end() :]
                yield RuleMutant(change.kind, f"{name}, place {number}", {name: mutated})
    yield from _of_scopes(models, marts, scopes)


def _of_scopes(
    models: Mapping[str, str], marts: Mapping[str, Mart], scopes: Mapping[str, str]
) -> Iterator[RuleMutant]:
    """Give rows to another scope: two are swapped, or one sees what is another's as well."""
    names = sorted(scopes)
    for model, mart in marts.items():
        if not mart.is_scoped:
            continue
        others = ", ".join(column.name for column in mart.columns)
        sound = f"({models[model]}) as sound"
        for first in names:
            for second in names:
                one, two = scopes[first], scopes[second]
                if first < second:
                    swapped = (
                        f"case scope_id when '{one}' then '{two}' when '{two}' then '{one}'"
                        " else scope_id end"
                    )
                    yield RuleMutant(
                        "scopes swapped",
                        f"{model}: {first}, {second}",
                        {model: f"select {swapped} as scope_id, {others} from {sound}"},
                    )
                if first != second:
                    yield RuleMutant(
                        "a scope with another's rows",
                        f"{model}: {first} sees {second}",
                        {
                            model: f"select scope_id, {others} from {sound}"
                            f" where scope_id <> '{one}' union all select '{one}', {others}"
                            f" from {sound} where scope_id = '{two}'"
                        },
                    )
