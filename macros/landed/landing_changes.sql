{#
    What Airbyte says it could not keep of a record, from its _airbyte_meta, as text: the columns by
    their comparable_name(), each with what was done to it (`rvu:nulled`), with commas between; null
    where nothing was lost.

    Airbyte writes {"changes": [{"field": …, "change": "NULLED", "reason": …}]}.
#}
{% macro landing_changes(meta) -%}
    case
        when {{ meta }}::text ~ '"change"'
            then (
                select
                    string_agg(
                        regexp_replace(lower(change ->> 'field'), '[\s_-]', '', 'g')
                        || ':' || lower(change ->> 'change'),
                        ','
                    )
                from jsonb_array_elements({{ meta }}::text::jsonb -> 'changes') as change
            )
    end
{%- endmacro %}
