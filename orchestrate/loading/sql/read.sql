{# The table that the files are copied into: each row with its place, its values as they are written. #}
drop table if exists {{ raw.read }}, {{ raw.values }};
create temporary table {{ raw.read }} (
    __record bigint, __part integer, __line bigint, __last_line bigint, __damage text,
    {% for column in raw.seed.columns %}
    {{ (column.name ~ '__written') | name }} text,
    {% endfor %}
    __row text
) on commit drop;

{#
    PostgreSQL takes a zone's name before an offset for one of POSIX, whose signs are the other way
    round, and words like `today` for days: what is meant is written so that it is read, or null.
#}
create or replace function pg_temp.meant_time(written text) returns text
language sql immutable strict
return (
    select case when meant !~* {{ (day_words ~ '|' ~ uncertain_zone) | literal }} then meant end
    from (
        select regexp_replace(
            regexp_replace(
                regexp_replace(written, '(\d)t(\d)', '\1 \2', 'i'), '([ap]m)([+-])', '\1 \2', 'i'
            ),
            '(?<![/a-z])(utc|gmt|z) ?(?=[+-]\d)', '', 'gi'
        ) as meant
    ) as worded
);
{% if reads_as == 'pg_temp.reads_as' %}

{# Before version 16, no function of the server's own tells whether a text is of a type. #}
create or replace function pg_temp.reads_as(written text, data_type text) returns boolean
language plpgsql stable strict
as $function$
begin
    execute format('select %L::%s', written, data_type);
    return true;
exception
    when data_exception then
        return false;
end
$function$;
{% endif %}
