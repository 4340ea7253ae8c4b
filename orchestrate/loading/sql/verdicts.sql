{#
    All that is wrong with the files of an export, one row per problem: file (its position), record,
    column_position (from 1; 0 for the whole row) and reason.
#}
{% from 'macros.sql' import reason, numbered_dates, place, names with context %}
drop table if exists pg_temp.problems;
create temporary table problems (
    file integer, record bigint, column_position integer, reason text
) on commit drop;
{% for raw in raws %}
{% set file = loop.index0 %}

insert into pg_temp.problems
select {{ file }}, __record, found.column_position, found.reason
from {{ raw.values }} inner join {{ raw.read }} using (__record)
cross join lateral (
    values
    (0, __damage)
    {% for column in raw.seed.columns %}
    , ({{ loop.index }}, {{ reason(column) }})
    {% endfor %}
) as found (column_position, reason)
where __is_bad and found.reason is not null;
{% for column in raw.seed.columns if column is time %}

{# Where one date is meant the other way round, all are that may be. #}
with dates as materialized ({{ numbered_dates(raw, column) }}),

turned as (
    select __line from dates where month > 12 and day between 1 and 12 order by __record limit 1
)

insert into pg_temp.problems
select
    {{ file }}, dates.__record, {{ raw.seed.columns.index(column) + 1 }},
    'may be meant as {{ raw.other_order }}, as the value in line ' || turned.__line || ' is'
from dates
cross join turned
where month <= 12 and day <= 12 and month <> day;
{% endfor %}
{% for column in raw.seed.columns if column.rules.key %}
{% set key = column.name | name %}

{# Of equal rows the first may stay. #}
insert into pg_temp.problems
select {{ file }}, __record, {{ raw.seed.columns.index(column) + 1 }}, 'is also in line ' || other_place
from (
    select
        __record,
        coalesce(lag(__place) over in_order, lead(__place) over in_order) as other_place,
        lag(__place) over in_order is null as is_first,
        min(__content) over alike <> max(__content) over alike as differ
    from (
        select *, {{ place(raw) }} || '' as __place, md5(row({{ names(raw) }})::text) as __content
        from {{ raw.values }}
        where {{ key }} in (
            select {{ key }} from {{ raw.values }} group by {{ key }} having count(*) > 1
        )
    ) as repeated
    window alike as (partition by {{ key }}), in_order as (partition by {{ key }} order by __record)
) as compared
where differ or not is_first;
{% endfor %}
{% endfor %}
{% for link in links %}

insert into pg_temp.problems
select
    {{ raws.index(link.child) }}, __record, {{ link.child.seed.columns.index(link.column) + 1 }},
    {{ ('is in no row of ' ~ link.parent.file) | literal }}
from {{ link.child.values }} as child
where
    child.{{ link.column.name | name }} is not null
    and not exists (select from {{ link.parent.values }} as parent where {{ link.condition }});
{% endfor %}
{% for link in links if with_followers %}

analyze pg_temp.problems;
insert into pg_temp.problems
select
    {{ raws.index(link.child) }}, __record, {{ link.child.seed.columns.index(link.column) + 1 }},
    {{ ('refers to a row of ' ~ link.parent.file ~ ' that is set aside') | literal }}
from {{ link.child.values }} as child
where
    exists (select from {{ link.parent.values }} as parent where {{ link.condition }})
    and not exists (
        select from {{ link.parent.values }} as parent
        where {{ link.condition }} and not exists (
            select from pg_temp.problems
            where file = {{ raws.index(link.parent) }} and record = parent.__record
        )
    );
{% endfor %}
