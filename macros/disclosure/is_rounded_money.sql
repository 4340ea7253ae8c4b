{#
    Whether money of other people is rounded as promised (boolean): a multiple of 100, not below 0. The
    promise is written here and on purpose not read from the variables, which could be told otherwise.
#}
{% macro is_rounded_money(money) -%}
    ({{ money }} >= 0 and mod({{ money }}, 100) = 0)
{%- endmacro %}
