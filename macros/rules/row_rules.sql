{#
    What one row of a raw table may break by itself, or have that is worth telling, as a list of
    [column, kind, is_refused, reason, condition], kind being the rule's name or what happened; the words are those that `casebook load` says of files.

    columns: raw_rules(). The conditions are about the columns of a model in models/landed.
#}
{% macro row_rules(columns) -%}
    {%- set found = [] -%}
    {%- for column in columns -%}
        {%- set name = adapter.quote(column.name) -%}
        {%- set is_unreadable = "position('," ~ column.name ~ ",' in ',' || unreadable_columns || ',') > 0" -%}
        {%- do found.append([column, 'unreadable', true, unreadable_reason(column.data_type), is_unreadable]) -%}
        {%- if column.required -%}
            {%- do found.append([
                column, 'required', true, 'a value is required',
                "coalesce(trim(" ~ name ~ "::text), '') = '' and (" ~ is_unreadable ~ ") is not true",
            ]) -%}
        {%- endif -%}
        {%- if column.warn_missing and not column.required -%}
            {%- do found.append([
                column, 'warn_missing', false, 'is missing: ' ~ column.warn_missing,
                "coalesce(trim(" ~ name ~ "::text), '') = ''",
            ]) -%}
        {%- endif -%}
        {%- set is_time = column.data_type.startswith('date') or column.data_type.startswith('timestamp') -%}
        {%- for kind, limit, sign, word in [
            ('minimum', column.minimum, '<', 'before' if is_time else 'less than'),
            ('maximum', column.maximum, '>', 'after' if is_time else 'more than'),
        ] if limit is defined -%}
            {%- do found.append([
                column, kind, true, 'is ' ~ word ~ ' ' ~ limit,
                name ~ ' ' ~ sign ~ " '" ~ limit ~ "'::" ~ column.data_type,
            ]) -%}
        {%- endfor -%}
        {%- if column.not_before -%}
            {%- do found.append([
                column, 'not_before', true, 'is before ' ~ column.not_before,
                name ~ ' < ' ~ adapter.quote(column.not_before),
            ]) -%}
        {%- endif -%}
        {%- for change, said in [('nulled', 'Airbyte put null'), ('truncated', 'Airbyte cut off')] -%}
            {%- do found.append([
                column, change, false, said ~ ' where it could not keep the value',
                "position('," ~ comparable_name(column.name) ~ ":" ~ change
                ~ ",' in ',' || changed_columns || ',') > 0",
            ]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
