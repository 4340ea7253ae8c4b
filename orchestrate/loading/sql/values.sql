{#
    The table of what the values of a file mean: each row with its place, null for nothing and for what is
    not of its column's type, and whether anything is wrong with the row by itself.
#}
{% from 'macros.sql' import reason, value_of, names with context %}
create temporary table {{ raw.values }} on commit drop as
select
    __record, __part, __line, {{ names(raw) }},
    coalesce(
        __damage
        {% for column in raw.seed.columns %}
        , {{ reason(column) }}
        {% endfor %}
    ) is not null as __is_bad
{# Each step is made once for each row: the planner would write the one before into it several times. #}
from (
    select
        *
        {% for column in raw.seed.columns %}
        , {{ value_of(column, (column.name ~ ('__meant' if column is time else '__written')) | name) }}
            as {{ column.name | name }}
        {% endfor %}
    from (
        select
            *
            {% for column in raw.seed.columns if column is time %}
            {% set written = (column.name ~ '__written') | name %}
            , case
                when {{ written }} ~ '^[0-9][-0-9/]*[ T]?[0-9:.]*Z?$' then {{ written }}
                else pg_temp.meant_time({{ written }})
            end as {{ (column.name ~ '__meant') | name }}
            {% endfor %}
        from {{ raw.read }}
        offset 0
    ) as meant
    offset 0
) as typed;
analyze {{ raw.values }} (
    __is_bad
    {% for column in raw.seed.columns if column.rules.key or column.rules.reference %}
    , {{ column.name | name }}
    {% endfor %}
);
