{#
    What landed_verdicts() finds by looking at more than one record, as a list of queries with its
    columns but table_name: references that lead nowhere are refused; equal records, records that
    are newer or later than what counts, and what the warn_… rules name are told.

    columns: raw_rules(). The queries read the CTEs that are called as the tables.
#}
{% macro landed_set_verdicts(domain, table_name, columns) -%}
    {%- set verdicts = [] -%}
    {%- for column in columns -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- set key = "nullif(trim(child." ~ name ~ "), '')" -%}
        {%- if column.reference -%}
            {%- set parent = column.reference.table -%}
            {%- set parent_key = "nullif(trim(parent." ~ adapter.quote(column.reference.column) ~ "), '')" -%}
            {%- set joined = table_name ~ ' as child inner join ' ~ parent ~ ' as parent on ' ~ key ~ ' = ' ~ parent_key -%}
            {%- do verdicts.append(landed_verdict(
                column.name, 'reference', true, 'is in no row of ' ~ parent,
                table_name ~ ' as child left join ' ~ parent ~ ' as parent on ' ~ key ~ ' = ' ~ parent_key,
                key ~ ' is not null and ' ~ parent_key ~ ' is null'
            )) -%}
            {%- for other in columns -%}
                {%- set other_name = 'child.' ~ adapter.quote(other.name) -%}
                {%- for kind, rule, sign, word in [
                    ('warn_after', other.warn_after, '>', 'after'),
                    ('warn_before', other.warn_before, '<', 'before'),
                ] if rule and rule.by == column.name -%}
                    {%- do verdicts.append(landed_verdict(
                        other.name, kind, false, 'is ' ~ word ~ ' ' ~ rule.column ~ ' in ' ~ parent, joined,
                        other_name ~ '::date ' ~ sign ~ ' parent.' ~ adapter.quote(rule.column) ~ '::date'
                    )) -%}
                {%- endfor -%}
                {%- if other.warn_longer_than == column.name -%}
                    {%- set begin = adapter.quote(other.not_before) -%}
                    {%- do verdicts.append(landed_verdict(
                        other.name, 'warn_longer_than', false, 'lasts longer than its ' ~ column.name, joined,
                        other_name ~ ' - child.' ~ begin
                        ~ ' > parent.' ~ adapter.quote(other.name) ~ ' - parent.' ~ begin
                    )) -%}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
        {%- if column.warn_left_out -%}
            {%- do verdicts.append(
                "select '" ~ column.name ~ "', 'later_left_out', false, 'reaches to '"
                ~ " || " ~ 'left(' ~ utc_text('max(latest_left_out)') ~ ', 10)'
                ~ " || ' in records of an earlier generation, which do not count, and to '"
                ~ " || " ~ 'left(' ~ utc_text('max(' ~ name ~ ')') ~ ', 10)' ~ " || ' in those that do',"
                ~ " coalesce(max(later_left_out), 0), null from " ~ table_name
            ) -%}
        {%- endif -%}
        {%- if column.warn_without -%}
            {%- set lookup = column.many_to_many -%}
            {%- set looked_up = graph.nodes['seed.' ~ project_name ~ '.' ~ lookup.seed].alias -%}
            {%- do verdicts.append(landed_verdict(
                column.name, 'warn_without', false, 'has no ' ~ column.warn_without ~ ' in ' ~ looked_up,
                table_name ~ ' as child',
                key ~ ' is null or ' ~ key ~ ' not in (select trim(' ~ adapter.quote(lookup.column) ~ ') from '
                ~ looked_up ~ " where nullif(trim(" ~ adapter.quote(column.warn_without) ~ "), '') is not null)"
            )) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set names = columns | map(attribute='name') | map('tojson') | join(', ') -%}
    {%- do verdicts.append(
        "select null, 'repeated', false, 'repeats another record in every column, and counts',"
        ~ " coalesce(sum(copies - 1), 0), min(example) from (select count(*) as copies,"
        ~ " max(record_id) as example from " ~ table_name ~ " group by " ~ names
        ~ " having count(*) > 1) as repeated"
    ) -%}
    {%- do verdicts.append(
        "select null, 'not_counted', false,"
        ~ " 'was extracted after all that count, in an earlier generation, and does not count',"
        ~ " coalesce(max(newer_left_out), 0), null from " ~ table_name
    ) -%}
    {{ return(verdicts) }}
{%- endmacro %}
