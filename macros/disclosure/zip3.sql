{#
    First three digits of a US ZIP code (text), or '000' where they might single somebody out or nothing
    usable is there: no ZIP, one that is not five digits (with or without +4), or an area of fewer than
    20,000 people.

    zip_code: the ZIP as text. sparse_zip3: expression of the prefix in stg_reference__sparse_zip3 that
    a left join on left(zip_code, 3) found, null when it found none.
#}
{% macro zip3(zip_code, sparse_zip3) -%}
    case
        when
            {{ matches_pattern(zip_code, '^[0-9]{5}(-[0-9]{4})?$') }} and {{ sparse_zip3 }} is null
            then left({{ zip_code }}, 3)
        else '000'
    end
{%- endmacro %}
