{#
    What is odd in the good rows of an export, one row per warning: file and column (their positions; 0
    for whole rows), what to say, how many rows, and lines and parts of the first ones.
#}
{% from 'macros.sql' import numbered_dates, names with context %}
{% macro warning(raw, says, column=none, of='count(*)') %}
    select
        {{ raws.index(raw) }} as file, {{ raw.seed.columns.index(column) + 1 if column else 0 }} as column_position,
        {{ says | literal }} as says, {{ of }}::bigint as number,
        (array_agg(__line order by __record))[1:{{ places }}] as lines,
        (array_agg(__part order by __record))[1:{{ places }}] as parts
    from
{% endmacro %}
{% macro with_parent(link) %}
    {{ link.child.values }} as child
    inner join (select {{ names(link.parent) }} from {{ link.parent.values }}) as parent
        on {{ link.condition }}
{% endmacro %}
select * from (
{% for raw in raws %}
    {{ 'union all' if not loop.first }}
    {{ warning(raw, repeated, of='sum(__copies - 1)') }} (
        select count(*) as __copies, max(__record) as __last from {{ raw.values }} group by {{ names(raw) }}
        having count(*) > 1
    ) as repeated
    inner join {{ raw.values }} on __record = __last
    having count(*) > 0
    {% for column in raw.seed.columns %}
    {% set rules, name = column.rules, 'child.' ~ (column.name | name) %}
    {% if rules.warn_missing is not none %}
    union all
    {{ warning(raw, 'rows without ' ~ column.name ~ ', ' ~ rules.warn_missing, column) }} {{ raw.values }} as child
    where {{ name }} is null
    having count(*) > 0
    {% endif %}
    {% if column is time %}
    union all
    {{ warning(raw, 'dates of ' ~ column.name ~ ' that are read as ' ~ raw.order ~ ' and may be meant as '
        ~ raw.other_order ~ ', since none has a day above 12 (source_date_order in dbt_project.yml)', column) }} (
        select *, max(day) over () as last_day
        from ({{ numbered_dates(raw, column) }}) as dates
        where __record in (select __record from {{ raw.values }})
    ) as dates
    where last_day <= 12 and month <= 12 and month <> day
    having count(*) > 0
    {% endif %}
    {% if rules.warn_several %}
    union all
    {{ warning(raw, 'values of ' ~ column.name ~ ' that may name two people', column) }} (
        {# A comma stands within a name. Each name is looked at once: `offset` keeps them apart. #}
        with odd as materialized (
            select * from (select distinct {{ column.name | name }} as name from {{ raw.values }} offset 0) as names
            where name ~* '[;/|&+\n]|\m(and|with)\M'
        )

        select child.* from {{ raw.values }} as child
        where exists (select from odd) and {{ name }} in (select name from odd)
    ) as child
    having count(*) > 0
    {% endif %}
    {% for other in raws if rules.warn_without and other.seed.name == rules.warn_without.to.seed %}
    union all
    {{ warning(raw, 'rows whose ' ~ column.name ~ ' has no ' ~ rules.warn_without.filled ~ ' in ' ~ other.file, column) }}
        {{ raw.values }} as child
    where not exists (
        select from {{ other.values }} as other
        where
            other.{{ rules.warn_without.to.column | name }} = {{ name }}
            and other.{{ rules.warn_without.filled | name }} is not null
    )
    having count(*) > 0
    {% endfor %}
    {% for link in links if link.child == raw %}
    {% for related, sign, word in [(rules.warn_after, '>', 'after'), (rules.warn_before, '<', 'before')]
        if related and related.by == link.column.name %}
    union all
    {{ warning(raw, 'rows whose ' ~ column.name ~ ' is ' ~ word ~ ' ' ~ related.column ~ ' in ' ~ link.parent.file, column) }}
    {{ with_parent(link) }}
    where {{ name }}::date {{ sign }} parent.{{ related.column | name }}::date
    having count(*) > 0
    {% endfor %}
    {% if rules.warn_longer_than == link.column.name %}
    {% set begin = rules.not_before | name %}
    union all
    {{ warning(raw, 'rows that last longer than their ' ~ link.column.name, column) }}
    {{ with_parent(link) }}
    where {{ name }} - child.{{ begin }} > parent.{{ column.name | name }} - parent.{{ begin }}
    having count(*) > 0
    {% endif %}
    {% endfor %}
    {% endfor %}
{% endfor %}
) as warnings
order by file, column_position
