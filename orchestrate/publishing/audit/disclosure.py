"""Counts of other people are shown by the rule of docs/publishing.md, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from psycopg2 import sql

from orchestrate.contracts import SUPPRESSED_COLUMN, Disclosure, Mart
from orchestrate.publishing.audit.examined import Examined, source

# The public promise, on purpose not read from the project's variables: a build that was told
# another rule is to be noticed.
COUNT_ROUNDING: Final = 10
MONEY_ROUNDING: Final = 100
MIN_CELL_SIZE: Final = 11
DOMINANCE_SHARE: Final = 0.9

PROCEDURE_COLUMN: Final = "procedure_code"
PRICES: Final = "int_procedure_prices"
# A row without a code is of all procedures.
_STEP_OF_A_PROCEDURE: Final = """
    (
        select greatest({rounding}, {count_rounding} * average_price)
        from {prices} as prices
        where prices.procedure_code is not distinct from shown.procedure_code
    )
"""

# What rows do not tell: 5 patients that a looser rule let pass are shown as 10, as 11 are.
_TOLD: Final = """
    select
        (to_jsonb(last_build) ->> 'min_cell_size')::integer >= {min_cell_size},
        (to_jsonb(last_build) ->> 'dominance_share')::numeric <= {dominance_share}
    from casebook.last_build
"""


def check_counts(examined: Examined) -> Iterable[str]:
    """In rows about other people counts and money are rounded by the rule, or nothing is shown.

    Counts are multiples of 10. Money is of 100, or of what ten cost of the row's procedure where
    that is more. A count of 1 to 10 that nobody suppressed would be shown as 0 or 10 at best; those
    above 10 keep no last digit. The build must have been told so, too.
    """
    marts = [(mart, mart.disclosure) for mart in examined.of_patients if mart.disclosure]
    if marts:
        ((is_small_enough, is_even_enough),) = examined.rows(
            _TOLD,
            min_cell_size=sql.Literal(MIN_CELL_SIZE),
            dominance_share=sql.Literal(DOMINANCE_SHARE),
        )
        if not is_small_enough:
            yield f"the build was told a min_cell_size below {MIN_CELL_SIZE}, or none"
        if not is_even_enough:
            yield f"the build was told a dominance_share above {DOMINANCE_SHARE}, or none"
    for mart, disclosure in marts:
        questions = list(_questions(mart, disclosure, _money_step(examined, mart)))
        ((*bad,),) = examined.rows(
            "select {counts} from {mart} as shown",
            mart=source(mart),
            counts=sql.SQL(", ").join(
                sql.SQL("count(*) filter (where {})").format(condition)
                for _, condition in questions
            ),
        )
        for (text, _), count in zip(questions, bad, strict=True):
            if count:
                yield f"{mart.relation}: in {count} rows {text}"


def _money_step(examined: Examined, mart: Mart) -> sql.Composable:
    """Return what money of a row has to be a multiple of; null where a procedure has no price."""
    if PROCEDURE_COLUMN not in {column.name for column in mart.columns}:
        return sql.Literal(MONEY_ROUNDING)
    return sql.SQL(_STEP_OF_A_PROCEDURE).format(
        rounding=sql.Literal(MONEY_ROUNDING),
        count_rounding=sql.Literal(COUNT_ROUNDING),
        prices=examined.relation(PRICES),
    )


def _questions(
    mart: Mart, disclosure: Disclosure, money_step: sql.Composable
) -> Iterable[tuple[str, sql.Composable]]:
    """Yield what would be wrong, in words and as a condition of a row."""
    exact = _any_of(
        sql.SQL("{} in ({})").format(
            sql.Identifier(column), sql.SQL(", ").join(map(sql.Literal, values))
        )
        for column, values in disclosure.exact
    )
    for names, step, words in (
        (disclosure.counts, sql.Literal(COUNT_ROUNDING), COUNT_ROUNDING),
        (disclosure.money, money_step, f"{MONEY_ROUNDING}, or what ten cost"),
    ):
        for name in names:
            yield (
                f"{name} is not rounded to {words}",
                # Without a step nothing may be shown.
                sql.SQL(
                    "not {} and {column} is not null"
                    " and coalesce({column} < 0 or mod({column}, {}) <> 0, true)"
                ).format(exact, step, column=sql.Identifier(name)),
            )
    if SUPPRESSED_COLUMN not in {column.name for column in mart.columns}:
        return
    flag = sql.Identifier(SUPPRESSED_COLUMN)
    yield f"{SUPPRESSED_COLUMN} is not known", sql.SQL("{} is null").format(flag)
    for name in (*disclosure.counts, *disclosure.money, *disclosure.measures):
        yield (
            f"{name} is shown although the row is suppressed",
            sql.SQL("{} and {} is not null").format(flag, sql.Identifier(name)),
        )
    for name in disclosure.counts:
        yield (
            f"{name} is missing although the row is not suppressed",
            sql.SQL("not {} and {} is null").format(flag, sql.Identifier(name)),
        )
    if disclosure.exact:
        yield "what is a reader's own is suppressed", sql.SQL("{} and {}").format(exact, flag)


def _any_of(conditions: Iterable[sql.Composable]) -> sql.Composable:
    return sql.SQL("coalesce({}, false)").format(
        sql.SQL(" or ").join([*conditions, sql.SQL("false")])
    )
