{#
    Whether money of other people is rounded as promised (boolean): to multiples of 100, or of what ten of
    its procedure cost where that is more, and not below 0; true for null. Without a price nothing may be
    shown. The promise is written here and on purpose not read from the variables.

    average_price: what the procedure costs on average; 0 for money that is of no procedure.
#}
{% macro is_rounded_money(money, average_price='0') -%}
    ({{ money }} is null or coalesce(
        {{ money }} >= 0
        and mod({{ money }}, greatest(100, 10 * {{ average_price }})) = 0
        and {{ average_price }} is not null,
        false
    ))
{%- endmacro %}
