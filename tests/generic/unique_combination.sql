{#
    Fails for each combination of the columns that more than one row has. Nulls are equal to each
    other here, so a key with a null in it is found too when it repeats.

    columns: list of column names that make the grain.
#}
{% test unique_combination(model, columns) %}

    select
        {{ columns | join(', ') }},
        count(*) as row_count
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1

{% endtest %}
