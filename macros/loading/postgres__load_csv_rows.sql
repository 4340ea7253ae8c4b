{#
    Loads a seed's rows for plain `dbt seed` and `dbt build`; takes the place of dbt's own macro, which
    binds every cell by itself and needs more than a minute for the larger exports. Here each batch is
    one statement with one array per column. The runner does not come here: it loads by COPY.

    Returns the text of the first statement, as dbt's own macro does, or an empty text without rows.

    Zone-less times are read in the zone that source_time_zone gives the seed's folder, for the length
    of dbt's transaction. An empty cell is null. A cell that holds just `null`, however written,
    is null too: dbt's CSV reader decides that before any macro sees the row.
#}
{% macro postgres__load_csv_rows(model, agate_table) %}
    {%- set zone = var('source_time_zone').get(model['fqn'][1]) -%}
    {%- if zone -%}
        {%- do adapter.add_query("set local time zone " ~ dbt.string_literal(zone)) -%}
    {%- endif -%}

    {%- set column_types = model['config'].get('column_types', {}) -%}
    {%- set arrays = [] -%}
    {%- for column_name in agate_table.column_names -%}
        {%- set inferred_type = adapter.convert_type(agate_table, loop.index0) -%}
        {%- do arrays.append("%s::text[]::" ~ column_types.get(column_name, inferred_type) ~ "[]") -%}
    {%- endfor -%}
    {%- set sql -%}
        insert into {{ this.render() }}
            ({{ get_seed_column_quoted_csv(model, agate_table.column_names) }})
        select * from unnest({{ arrays | join(', ') }})
    {%- endset -%}

    {%- set row_count = agate_table.rows | length -%}
    {%- set batch_size = get_batch_size() -%}
    {%- for start in range(0, row_count, batch_size) -%}
        {%- set bindings = [] -%}
        {%- for column in agate_table.columns -%}
            {%- do bindings.append(column.values()[start:start + batch_size] | list) -%}
        {%- endfor -%}
        {%- do adapter.add_query(sql, bindings=bindings, abridge_sql_log=True) -%}
    {%- endfor -%}

    {{ return(sql if row_count else '') }}
{% endmacro %}
