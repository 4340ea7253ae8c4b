{# What a written value means. `written` and `value` are columns; a blank value was read as null. #}

{% macro is_nothing(written) -%}
    (octet_length({{ written }}) <= {{ longest_word }} and lower({{ written }} collate "C") in ({{ words_for_nothing }}))
{%- endmacro %}

{#
    The value of a column's type that a text means, null for nothing and for what is not of the type.

    A whole number that a program wrote with a decimal point (385763009.0) is the code without it, and
    one that was written for a spreadsheet to keep (="00123") what stands in the quotes. Numbers as
    programs write them, like 0x10, are none. A date has no time of day but midnight.
#}
{% macro value_of(column, written) -%}
    {% set is_valid = reads_as ~ '(' ~ written ~ ', ' ~ (column.type | literal) ~ ')' %}
    {% if column.type == 'text' %}
    case
        when {{ is_nothing(written) }} then null
        {% if not column.rules.verbatim %}
        when {{ written }} like '%.0%' and {{ written }} ~ '^[0-9]+\.0+$' then split_part({{ written }}, '.', 1)
        when {{ written }} like '="_%"' then substr({{ written }}, 3, length({{ written }}) - 3)
        {% endif %}
        else {{ written }}
    end
    {% elif column.type == 'date' %}
    case
        when {{ is_valid }} and case
            when {{ written }} like '%:%' then
                {{ reads_as }}({{ written }}, 'timestamp') and {{ written }}::timestamp::time = '00:00'
            else true
        end then {{ written }}::date
    end
    {% elif column is time or column.type == 'boolean' %}
    case when {{ is_valid }} then {{ written }}::{{ column.type }} end
    {% else %}
    case when {{ written }} !~ '[_xobXOB]' and {{ is_valid }} then {{ written }}::{{ column.type }} end
    {% endif %}
{%- endmacro %}

{# The first thing that is wrong with a value, as text; null where nothing is. #}
{% macro reason(column) -%}
    {% set value, written = column.name | name, (column.name ~ '__written') | name %}
    case when __damage is null then case
        when {{ value }} is not null then {{ breach(column, value) }}
        when {{ written }} is null then {{ "'a value is required'" if column.required else 'null' }}
        when {{ is_nothing(written) }} then {{ "'stands for nothing, and a value is required'" if column.required else 'null' }}
        {% if column.type != 'text' %}
        else {{ complaint(column, written) }}
        {% endif %}
    end end
{%- endmacro %}

{# What may be wrong with a value that is there. #}
{% macro breach(column, value) -%}
    {% set rules = column.rules %}
    {% set before, after = ('before', 'after') if column is time else ('less than', 'more than') %}
    case
        when false then null
        {% if column.type == 'text' and not rules.verbatim %}
        when {{ value }} like '%+%' and {{ value }} ~* '^[+-]?\d([.,]\d+)?e[+]\d+$'
            then 'is a number as spreadsheets shorten it, not a code: save the column as text'
        {% elif column is time %}
        when not isfinite({{ value }}) then 'is not finite'
        {% elif column is number_type %}
        when {{ value }} in ('NaN', 'Infinity', '-Infinity') then 'is not finite'
        {% endif %}
        {% if rules.minimum is not none %}
        when {{ value }} < {{ rules.minimum | literal }}::{{ column.type }} then {{ ('is ' ~ before ~ ' ' ~ rules.minimum) | literal }}
        {% endif %}
        {% if rules.maximum is not none %}
        when {{ value }} > {{ rules.maximum | literal }}::{{ column.type }} then {{ ('is ' ~ after ~ ' ' ~ rules.maximum) | literal }}
        {% endif %}
        {% if rules.not_before is not none %}
        when {{ value }} < {{ rules.not_before | name }} then {{ ('is before ' ~ rules.not_before) | literal }}
        {% endif %}
    end
{%- endmacro %}

{# What to say of a value that is not of its column's type. #}
{% macro complaint(column, written) -%}
    {% set what = 'a date' if column.type == 'date' else 'a date and time' %}
    {% if column is time %}
    case
        when {{ written }} ~* '^[1-6]\d{4}([.,]\d+)?$'
            then 'is the number by which a spreadsheet counts days, not {{ what }}: format the column as yyyy-mm-dd hh:mm:ss before it is saved'
        when {{ written }} ~* {{ ('\\d:\\d\\d.*(' ~ uncertain_zone ~ ')') | literal }}
            then 'names a time zone of uncertain meaning: write its offset alone, as in -04:00'
        {% if column.type == 'date' %}
        when {{ written }} ~* '\d:\d\d' then 'is a time, whose day depends on a time zone: write the date alone'
        {% endif %}
        else 'is not {{ what }}'
    end
    {% elif column is number_type %}
    case
        when {{ written }} !~ '[_xobXOB]' and {{ reads_as }}({{ written }}, 'numeric') then 'is too large a number'
        else 'is not a number'
    end
    {% elif column.type == 'boolean' %}
    'is neither true nor false'
    {% else %}
    'is not a number that fits here'
    {% endif %}
{%- endmacro %}

{#
    The dates of a column that are written like 1/2/2019, as rows with the two numbers as they are
    read, `month` and `day`.
#}
{% macro numbered_dates(raw, column) -%}
    {% set written = (column.name ~ '__written') | name %}
    select
        __record, __part, __line,
        parts[{{ 1 if raw.date_order == 'MDY' else 2 }}]::integer as month,
        parts[{{ 2 if raw.date_order == 'MDY' else 1 }}]::integer as day
    from (
        select *, regexp_match({{ written }}, '^(\d{1,2})[/.-](\d{1,2})[/.-]\d{2,4}(\D|$)') as parts
        from {{ raw.read }}
        where {{ written }} not like '____-__-__%'
    ) as dated
    where parts is not null
{%- endmacro %}

{# The line of a row, and where there are several files the file. #}
{% macro place(raw) -%}
    __line
    {%- if raw.files | length > 1 %}
 || ' of ' || (array[{% for file in raw.files %}{{ file.name | literal }}{{ ', ' if not loop.last }}{% endfor %}])[__part + 1]
    {%- endif %}
{%- endmacro %}

{% macro names(raw) -%}
    {% for column in raw.seed.columns %}{{ column.name | name }}{{ ', ' if not loop.last }}{% endfor %}
{%- endmacro %}
