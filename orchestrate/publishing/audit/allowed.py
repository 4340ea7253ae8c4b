"""The columns that may be shown of patients, and what each may hold: a list that people extend.

A column of a mart outside `residency` is published only if its name is here. Before you add one,
ask whether it could tell who a patient is, alone or together with the others: docs/publishing.md,
"What may be shown".
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple


class Kind(NamedTuple):
    """What columns of a kind have in common.

    `types` as contracts spell them, without precision. `is_good` is the SQL condition of a value
    (null for no value), with `{column}` for the column and models of the build by name, which
    `models` lists. `is_place`: values are names and addresses of places.
    """

    types: frozenset[str]
    is_good: str = "true"
    models: tuple[str, ...] = ()
    is_place: bool = False


_TEXT: Final = frozenset({"text"})
_NUMBER: Final = frozenset({"integer", "bigint", "smallint", "numeric", "double precision"})

# A keyed hash; the only way in which a row of a patient may name anything.
PSEUDONYM: Final = Kind(_TEXT, "{column} ~ '^[0-9a-f]{{32}}$'")
# A place in a list of its own, which tells nothing of a row.
ORDINAL: Final = Kind(_TEXT, "{column} ~ '^([a-z]+-)?[0-9]{{1,4}}$'")
# A name or code of something that is no person: procedure, specialty, payer, client, group.
GROUP: Final = Kind(_TEXT)
FLAG: Final = Kind(frozenset({"boolean"}))
MEASURE: Final = Kind(_NUMBER)
# No year of birth, and everybody of 90 and more together.
AGE_BAND: Final = Kind(
    _TEXT,
    "{column} in ('0-9', '10-19', '20-29', '30-39', '40-49', '50-59', '60-69', '70-79', '80-89',"
    " '90+')",
)
ZIP3: Final = Kind(
    _TEXT,
    "{column} ~ '^[0-9]{{3}}$' and {column} not in (select zip3 from {stg_reference__sparse_zip3})",
    ("stg_reference__sparse_zip3",),
)
# The day only where the build was told that contracts allow it.
MONTH: Final = Kind(
    frozenset({"date"}),
    "({column} = date_trunc('month', {column}) or exists (select from casebook.last_build"
    " where to_jsonb(last_build) ->> 'service_date_precision' = 'day'))",
)
# Nulls are taken out of the lists: beside one, nothing is ever known to be missing from it.
_HOSPITALS: Final = (
    "(select place from (select unnest(array["
    "organization_name, address, city, state_code, zip_code]) as place"
    " from {stg_advocacy__organizations}) as places where place is not null)"
)
# Of hospitals that share a name, all but the first carry a number.
HOSPITAL: Final = Kind(
    _TEXT,
    f"({{column}} in {_HOSPITALS}"
    f" or regexp_replace({{column}}, ' [(][0-9]+[)]$', '') in {_HOSPITALS})",
    ("stg_advocacy__organizations",),
    is_place=True,
)
AREA: Final = Kind(
    _TEXT,
    "({column} in ('Other cities', 'Other counties', 'Unknown') or {column} in"
    " (select place from (select unnest(array[city, county]) as place"
    " from {stg_advocacy__patients}) as places where place is not null))",
    ("stg_advocacy__patients",),
    is_place=True,
)
# Two decimals of a degree are about a kilometre.
COORDINATE: Final = Kind(_NUMBER, "{column}::numeric = round({column}::numeric, 2)")
DISTANCE: Final = Kind(_NUMBER, "{column}::numeric * 4 = round({column}::numeric * 4)")

# By name; `relation.column` where a name means something else in one relation.
ALLOWED: Final = MappingProxyType(
    {
        # pseudonyms
        "activity_key": PSEUDONYM,
        "area_key": PSEUDONYM,
        "association_key": PSEUDONYM,
        "cluster_id": ORDINAL,
        "encounter_key": PSEUDONYM,
        "patient_key": PSEUDONYM,
        "procedure_key": PSEUDONYM,
        "summary_key": PSEUDONYM,
        # what was done, and for whom
        "client_id": GROUP,
        "encounter_class": GROUP,
        "encounter_code": GROUP,
        "encounter_name": GROUP,
        "patient_group": GROUP,
        "payer_name": GROUP,
        "period_kind": GROUP,
        "population": GROUP,
        "procedure_code": GROUP,
        "procedure_name": GROUP,
        "specialty_id": GROUP,
        "specialty_name": GROUP,
        # about a patient
        "age_band": AGE_BAND,
        # Men and women are half of everybody each.
        "gender": GROUP,
        "zip3": ZIP3,
        "is_client_patient": FLAG,
        # when
        "first_service_month": MONTH,
        "last_service_month": MONTH,
        "period_start": MONTH,
        "service_month": MONTH,
        # where: hospitals
        "hospital_activity.address": HOSPITAL,
        "hospital_activity.city": HOSPITAL,
        "hospital_activity.state": HOSPITAL,
        "hospital_activity.zip": HOSPITAL,
        "organization_name": HOSPITAL,
        # where: areas that counts are about
        "city": AREA,
        "county": AREA,
        "main_city": AREA,
        "centroid_latitude": COORDINATE,
        "centroid_longitude": COORDINATE,
        "nearest_client_patient_km": DISTANCE,
        # how many and how much
        "adjusted_residual": MEASURE,
        "average_cost": MEASURE,
        "claim_cost": MEASURE,
        "client_patient_count": MEASURE,
        "client_patients_nearby": MEASURE,
        "cost_rank": MEASURE,
        "count_rank": MEASURE,
        "encounter_count": MEASURE,
        "expected_patients": MEASURE,
        "is_exact": FLAG,
        "is_near_clients": FLAG,
        "is_notable": FLAG,
        "is_suppressed": FLAG,
        "near_share": MEASURE,
        "observed_patients": MEASURE,
        "patient_count": MEASURE,
        "payer_coverage": MEASURE,
        "procedure_cost": MEASURE,
        "procedure_count": MEASURE,
        "relative_index": MEASURE,
        "shared_procedures": MEASURE,
        "top_rank": MEASURE,
        "total_cost": MEASURE,
        "unaffiliated_patient_count": MEASURE,
    }
)


def kind_of(relation: str, column: str) -> Kind | None:
    """Return the kind of a relation's column; None when it is on no list."""
    return ALLOWED.get(f"{relation}.{column}") or ALLOWED.get(column)
