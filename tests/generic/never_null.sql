{#
    Fails for each of the columns that is null in some row, with the number of such rows. The model is
    read once, where a not_null per column would read it as many times.

    columns: list of column names. A mart needs none of it: its contract says not_null, and PostgreSQL
    refuses the row.
#}
{% test never_null(model, columns) %}

    with nulls as (
        select
            {% for column in columns %}
                count(*) - count({{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        from {{ model }}
    )

    {% for column in columns %}
        select
            '{{ column }}' as column_name,
            {{ column }} as null_count
        from nulls
        where {{ column }} > 0
        {{ 'union all' if not loop.last }}
    {% endfor %}

{% endtest %}
