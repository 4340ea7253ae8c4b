{#
    A number (numeric) with six decimal digits for each shuffle: 1 where the set holds it, else 0. The
    sum of such numbers counts in all shuffles at once; counted_in() reads it.

    shuffles: set of shuffles, as in no_shuffle().
#}
{% macro one_in_each(shuffles) -%}
    replace(replace(({{ shuffles }})::text, '0', '000000'), '1', '000001')::numeric
{%- endmacro %}
