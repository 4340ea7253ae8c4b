"""What a client restricts is complete, and does not exist where it is restricted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from psycopg2 import sql

from orchestrate.publishing.audit.examined import Examined, source

_UNTAGGED: Final = """
    with described as (
        select procedure_code as code, procedure_description as description, reason_name
        from {stg_advocacy__procedures}
        union
        select encounter_code, encounter_name, reason_name
        from {stg_advocacy__encounters}
    )

    select distinct described.code
    from described
    inner join {stg_reference__specialty_words} as words
        on position(
            words.word in lower(concat_ws(' | ', described.description, described.reason_name))
        ) > 0
    left join {stg_reference__specialties} as specialties
        on described.code = specialties.procedure_code
    where specialties.procedure_code is null
    order by described.code
"""

_WORDLESS: Final = """
    select distinct restrictions.specialty_id
    from {stg_reference__restrictions} as restrictions
    inner join {stg_reference__specialties} as specialties
        on restrictions.specialty_id = specialties.specialty_id
    left join {stg_reference__specialty_words} as words
        on restrictions.specialty_id = words.specialty_id
    where words.word is null
    order by restrictions.specialty_id
"""

_SHOWN_WHERE_HIDDEN: Final = """
    with hidden as (
        select scopes.scope_id, restrictions.specialty_id, specialties.specialty_name,
            coalesce(specialties.procedure_code, restrictions.specialty_id) as code
        from {int_client_scopes} as scopes
        inner join {stg_reference__restrictions} as restrictions
            on scopes.client_id = restrictions.client_id
                and scopes.visibility <> restrictions.specialty_id
        left join {stg_reference__specialties} as specialties
            on restrictions.specialty_id = specialties.specialty_id
    ),

    described as (
        select procedure_code as code, procedure_description as description
        from {stg_advocacy__procedures}
        union
        select encounter_code, encounter_name from {stg_advocacy__encounters}
    ),

    -- A name that a code in sight has as well tells of that one.
    hidden_names as (
        select hidden.scope_id, described.description
        from hidden
        inner join described on hidden.code = described.code
        where not exists (
            select from described as other
            where other.description = described.description
                and not exists (
                    select from hidden as also
                    where also.scope_id = hidden.scope_id and also.code = other.code
                )
        )
    ),

    forbidden as (
        select scope_id, lower(code) as value from hidden
        union
        select scope_id, lower(specialty_id) from hidden
        union
        select scope_id, lower(specialty_name) from hidden
        union
        select scope_id, lower(description) from hidden_names
    ),

    shown as ({shown})

    select shown.place, count(*)
    from shown
    inner join forbidden
        on shown.scope_id = forbidden.scope_id and lower(shown.value) = forbidden.value
    group by shown.place
    order by shown.place
"""


def check_tags(examined: Examined) -> Iterable[str]:
    """Check that a code which names a specialty, itself or in a reason for it, is in one.

    Otherwise an export with a new code for hospice care would show it to everybody. A specialty
    that is restricted and holds several codes has to have such words.
    """
    if not examined.of_patients:
        return
    models = (
        "stg_advocacy__procedures",
        "stg_advocacy__encounters",
        "stg_reference__specialties",
        "stg_reference__specialty_words",
    )
    for (code,) in examined.rows(_UNTAGGED, models):
        yield (
            f"the code {code} or a reason for it names a restricted kind of care and is in no"
            " specialty (seeds/reference/specialties.csv)"
        )
    wordless = examined.rows(_WORDLESS, ("stg_reference__restrictions", *models[2:]))
    for (specialty,) in wordless:
        yield (
            f"the restricted specialty {specialty} has no words to find its codes by"
            " (seeds/reference/specialty_words.csv)"
        )


def check_hidden(examined: Examined) -> Iterable[str]:
    """No row of a scope carries what is hidden from it: code, name or specialty, in any column."""
    places: list[str] = []
    selects: list[sql.Composable] = []
    for mart in examined.of_patients:
        for column in mart.columns:
            if mart.is_scoped and column.data_type == "text":
                selects.append(
                    sql.SQL("select {} as place, scope_id, {} as value from {}").format(
                        sql.Literal(len(places)), sql.Identifier(column.name), source(mart)
                    )
                )
                places.append(f"{mart.relation}.{column.name}")
    if not selects:
        return
    found = examined.rows(
        _SHOWN_WHERE_HIDDEN,
        (
            "int_client_scopes",
            "stg_advocacy__encounters",
            "stg_advocacy__procedures",
            "stg_reference__restrictions",
            "stg_reference__specialties",
        ),
        shown=sql.SQL(" union all ").join(selects),
    )
    for place, count in found:
        yield f"{places[place]} names what is hidden from its scope in {count} rows"
