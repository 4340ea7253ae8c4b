{#
    A query of the pairs of core cells, in both directions, of which any two core homes are within
    cluster_radius_km: columns node_a, node_b (cell numbers).

    candidates: relation with columns node_a, node_b, node_a < node_b. The search in a pair ends with the
    first two homes that it finds, so that crowded cells cost no more than others.
#}
{% macro linked_cells(candidates) -%}
    found as (

        select
            candidates.node_a,
            candidates.node_b
        from {{ candidates }} as candidates
        cross join lateral (
            select exists (
                select 1
                from {{ ref('int_homes_core').render() }} as home_a
                inner join {{ ref('int_homes_core').render() }} as home_b
                    on home_b.cell_number = candidates.node_b
                where
                    home_a.cell_number = candidates.node_a
                    and {{ haversine_km(
                        'home_a.latitude', 'home_a.longitude',
                        'home_b.latitude', 'home_b.longitude'
                    ) }} <= {{ var('cluster_radius_km') }}
            ) as is_found
        ) as search
        where search.is_found

    ),

    links as (

        select
            node_a,
            node_b
        from found

        union all

        select
            node_b as node_a,
            node_a as node_b
        from found

    )
{%- endmacro %}
