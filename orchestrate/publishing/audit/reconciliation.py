"""What marts count and sum agrees with the source, recomputed here from staging alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from psycopg2 import sql

from orchestrate.contracts import SCOPE_COLUMN, Mart
from orchestrate.publishing.audit.examined import Examined, source

# Which total the sum of a column over all rows of a scope must be. A procedure is in one row.
_SUMS: Final = {
    "encounter_count": "encounters",
    "procedure_count": "procedures",
    "procedure_cost": "procedure_cost",
    "total_cost": "procedure_cost",
}
_CLAIMS: Final = {"claim_cost": "claim_cost", "payer_coverage": "payer_coverage"}
# Which total the rows of a mart with this key must be.
_KEYS: Final = {
    "encounter_key": "encounters",
    "patient_key": "patients",
    "procedure_key": "procedures",
}
# Marts by specialty have a row for all of them together; encounters of several count once there.
_SPECIALTY: Final = "specialty_id"
_ALL: Final = "all"

_TOTALS: Final = """
    select
        {group},
        count(distinct book.encounter_id) as encounters,
        count(distinct book.patient_id) as patients,
        coalesce(sum(done.procedures), 0) as procedures,
        coalesce(sum(done.procedure_cost), 0) as procedure_cost,
        coalesce(sum(book.claim_cost) filter (where done.hidden is not true), 0) as claim_cost,
        coalesce(sum(book.payer_coverage_cost) filter (where done.hidden is not true), 0)
            as payer_coverage
    from book
    left join done
        on book.scope_id = done.scope_id and book.encounter_id = done.encounter_id
    where not (done.encounter_id is not null and done.procedures = 0)
    group by {group}
"""

_SCOPES: Final = """
    with hidden as (
        select
            scopes.scope_id,
            coalesce(specialties.procedure_code, restrictions.specialty_id) as code
        from {int_client_scopes} as scopes
        inner join {stg_reference__restrictions} as restrictions
            on scopes.client_id = restrictions.client_id
                and scopes.visibility <> restrictions.specialty_id
        left join {stg_reference__specialties} as specialties
            on restrictions.specialty_id = specialties.specialty_id
    ),

    book as (
        select scopes.scope_id, encounters.*
        from {int_client_scopes} as scopes
        inner join {stg_reference__clients} as clients on scopes.client_id = clients.client_id
        inner join {stg_advocacy__payers} as payers on clients.payer_name = payers.payer_name
        inner join {stg_advocacy__encounters} as encounters on payers.payer_id = encounters.payer_id
        where not exists (
            select from hidden
            where hidden.scope_id = scopes.scope_id and hidden.code = encounters.encounter_code
        )
    ),

    done as (
        select
            book.scope_id, book.encounter_id,
            count(*) filter (where hidden.code is null) as procedures,
            sum(procedures.procedure_cost) filter (where hidden.code is null) as procedure_cost,
            bool_or(hidden.code is not null) as hidden
        from book
        inner join {stg_advocacy__procedures} as procedures
            on book.encounter_id = procedures.encounter_id
        left join hidden
            on book.scope_id = hidden.scope_id and procedures.procedure_code = hidden.code
        group by book.scope_id, book.encounter_id
    )
"""

_VISIBLE_PAYERS: Final = """
    with book as (
        select 'extracts' as scope_id, encounters.*
        from {stg_advocacy__encounters} as encounters
        inner join {stg_advocacy__payers} as payers on encounters.payer_id = payers.payer_id
        inner join {stg_reference__payer_groups} as payer_groups
            on payers.payer_name = payer_groups.payer_name
        where payer_groups.detail_is_visible
    ),

    done as (
        select
            book.scope_id, book.encounter_id,
            count(*) as procedures,
            sum(procedures.procedure_cost) as procedure_cost,
            false as hidden
        from book
        inner join {stg_advocacy__procedures} as procedures
            on book.encounter_id = procedures.encounter_id
        group by book.scope_id, book.encounter_id
    )
"""

Totals = Mapping[str, Decimal]


def check_scopes(examined: Examined) -> Iterable[str]:
    """Each scope holds its client's book without what is hidden from it: no row more, none less."""
    marts = [mart for mart in examined.of_patients if mart.is_scoped and not mart.disclosure]
    if not marts:
        return
    totals = _totals(
        examined,
        _SCOPES,
        (
            "int_client_scopes",
            "stg_advocacy__encounters",
            "stg_advocacy__payers",
            "stg_advocacy__procedures",
            "stg_reference__clients",
            "stg_reference__restrictions",
            "stg_reference__specialties",
        ),
    )
    for mart in marts:
        yield from _compare(examined, mart, totals, sql.Identifier(SCOPE_COLUMN))


def check_extracts(examined: Examined) -> Iterable[str]:
    """Rows without a client are of payers whose rows may be shown: all of these and no others."""
    marts = [
        mart
        for mart in examined.of_patients
        if not mart.is_scoped and mart.primary_key[0] in _KEYS and len(mart.primary_key) == 1
    ]
    if not marts:
        return
    totals = _totals(
        examined,
        _VISIBLE_PAYERS,
        (
            "stg_advocacy__encounters",
            "stg_advocacy__payers",
            "stg_advocacy__procedures",
            "stg_reference__payer_groups",
        ),
    )
    for mart in marts:
        yield from _compare(examined, mart, totals, sql.Literal("extracts"))


def _totals(examined: Examined, book: str, models: Sequence[str]) -> dict[str, Totals]:
    """Return the totals per scope."""
    names = (
        "encounters",
        "patients",
        "procedures",
        "procedure_cost",
        "claim_cost",
        "payer_coverage",
    )
    rows = examined.rows(book + _TOTALS, models, group=sql.Identifier("book", "scope_id"))
    return {scope: dict(zip(names, values, strict=True)) for scope, *values in rows}


def _compare(
    examined: Examined, mart: Mart, totals: Mapping[str, Totals], scope: sql.Composable
) -> Iterable[str]:
    """Compare what a mart sums up to, per scope, with the totals; an absent scope sums up to 0."""
    columns = {column.name for column in mart.columns}
    wanted: list[tuple[str, sql.Composable, str]] = [
        (f"sum of {name}", sql.SQL("sum({})").format(sql.Identifier(name)), total)
        for name, total in (_SUMS | _CLAIMS).items()
        if name in columns
    ]
    if len(mart.primary_key) == 1 and mart.primary_key[0] in _KEYS:
        wanted.append(("number of rows", sql.SQL("count(*)"), _KEYS[mart.primary_key[0]]))
    if not wanted:
        return
    where: sql.Composable = sql.SQL("true")
    if _SPECIALTY in columns and "encounter_count" in columns:
        where = sql.SQL("{} = {}").format(sql.Identifier(_SPECIALTY), sql.Literal(_ALL))
    rows = examined.rows(
        "select {scope}, {sums} from {mart} where {where} group by 1",
        mart=source(mart),
        scope=scope,
        where=where,
        sums=sql.SQL(", ").join(expression for _, expression, _ in wanted),
    )
    found = {scope_id: values for scope_id, *values in rows}
    for scope_id in sorted(found.keys() | totals.keys()):
        values = found.get(scope_id, [0] * len(wanted))
        for (text, _, total), value in zip(wanted, values, strict=True):
            expected = totals[scope_id][total] if scope_id in totals else 0
            if (value or 0) != expected:
                yield (
                    f"{mart.relation}: the {text} in scope {scope_id} is not that of the source"
                    f" ({value or 0} instead of {expected})"
                )
