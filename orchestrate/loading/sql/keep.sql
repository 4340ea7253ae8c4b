{#
    The values take the place of the old table; the staging views on it go (dbt makes them anew).
    A temporary table is always read in the order in which it was written.
#}
create schema if not exists {{ raw.schema | name }};
drop table if exists {{ raw.relation }} cascade;
create table {{ raw.relation }} as
select
    {% for column in raw.seed.columns %}
    {{ column.name | name }}::{{ column.type }}{{ ',' if not loop.last }}
    {% endfor %}
from {{ raw.values }};
drop table {{ raw.read }}, {{ raw.values }};
analyze {{ raw.relation }};
comment on table {{ raw.relation }} is {{ raw.seed.description | literal }};
{% for column in raw.seed.columns %}
comment on column {{ raw.relation }}.{{ column.name | name }} is {{ column.description | literal }};
{% endfor %}
