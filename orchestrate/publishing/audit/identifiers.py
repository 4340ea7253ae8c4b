"""No value that is shown is an identifier of the source, in clear or under a plain hash."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from psycopg2 import sql

from orchestrate.publishing.audit.allowed import kind_of
from orchestrate.publishing.audit.examined import Examined, source

# Shorter names are words and codes as well.
_SHORTEST_NAME: Final = 4

_IDENTIFIERS: Final = """
    with identifiers as (
        select patient_id as identifier from {stg_advocacy__patients}
        union all
        select encounter_id from {stg_advocacy__encounters}
    ),

    digests as (
        select encode(sha256(convert_to(spelled, 'UTF8')), 'hex') as digest
        from identifiers
        cross join lateral (values (identifier), ('=' || identifier)) as spellings (spelled)
    ),

    persons as (
        select
            unnest(array[
                first_name, last_name, maiden_name, concat_ws(' ', first_name, last_name),
                concat_ws(' ', last_name, first_name), concat_ws(', ', last_name, first_name)
            ]) as person,
            address
        from {stg_advocacy__patients}
    ),

    forbidden as (
        select identifier as value, false as is_place from identifiers
        union
        select digest, false from digests
        union
        select left(digest, 32), false from digests
        union
        select md5(identifier), false from identifiers
        union
        select unnest(array[born_on::text, died_on::text]), false from {stg_advocacy__patients}
        union
        select address, true from persons
        union
        select person, true from persons where length(person) >= {shortest}
    ),

    shown as ({shown})

    select shown.place, count(*)
    from shown
    inner join forbidden on shown.value = forbidden.value
    where not (shown.is_place and forbidden.is_place)
    group by shown.place
    order by shown.place
"""


def check_identifiers(examined: Examined) -> Iterable[str]:
    """No text that is shown equals an id, a name, an address, a date of birth or death.

    Neither does it equal a hash of an id that anybody can compute. Places are called like people,
    and somebody may live in a hospital: columns of places are checked against lists of these.
    """
    places: list[str] = []
    selects: list[sql.Composable] = []
    for mart in examined.of_patients:
        for column in mart.columns:
            kind = kind_of(mart.name, column.name)
            if column.data_type != "text" or kind is None:
                continue
            selects.append(
                sql.SQL("select distinct {} as place, {} as value, {} as is_place from {}").format(
                    sql.Literal(len(places)),
                    sql.Identifier(column.name),
                    sql.Literal(kind.is_place),
                    source(mart),
                )
            )
            places.append(f"{mart.relation}.{column.name}")
    if not selects:
        return
    found = examined.rows(
        _IDENTIFIERS,
        ("stg_advocacy__patients", "stg_advocacy__encounters"),
        shown=sql.SQL(" union all ").join(selects),
        shortest=sql.Literal(_SHORTEST_NAME),
    )
    for place, count in found:
        yield f"{places[place]} shows {count} names, ids, addresses or dates of patients"
