{#
    A query of the homes outside full cells, with what lives around each in every shuffle: for each of
    nearness_radii(), clients_1, … (the shuffles with a client's patient within it) and unaffiliated_1, …
    (how many unaffiliated ones, as one_in_each() counts).

    in_cells: relation of homes with is_full. pairs, homes: int_home_pairs and int_homes_shuffled. Home by
    home, so that no sum of all shuffles has to wait for others.
#}
{% macro counted_around(in_cells, pairs, homes) -%}
    select
        in_cells.home_number,
        in_cells.cell_number,
        in_cells.client_in,
        {%- for radius in nearness_radii() %}
        counted.clients_{{ loop.index }},
        counted.unaffiliated_{{ loop.index }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ in_cells }} as in_cells
    cross join lateral (
        select
            {%- for radius in nearness_radii() %}
            {%- set is_near = 'pairs.distance_km <= ' ~ radius %}
            bit_or(neighbours.client_in) filter (where {{ is_near }}) as clients_{{ loop.index }},
            sum(neighbours.unaffiliated_in_each) filter (where {{ is_near }})
                as unaffiliated_{{ loop.index }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ pairs }} as pairs
        inner join {{ homes }} as neighbours
            on pairs.home_b = neighbours.home_number
        where pairs.home_a = in_cells.home_number
    ) as counted
    where not in_cells.is_full
{%- endmacro %}
