{#
    Row or column (integer) of a grid over the earth whose cells are so small that two points in one cell
    are always within a radius: their sides are 0.7 of it, and 0.7 times the square root of two is below
    1.

    degrees: latitude or longitude. widest_cosine: for a longitude the largest cosine of a latitude in
    the data, since that is where a degree of longitude is widest; for a latitude 1. radius_km: of
    clusters, unless another one is given.
#}
{% macro grid_cell(degrees, widest_cosine='1.0', radius_km=none) -%}
    floor(
        {{ degrees }} * (2 * pi() * 6371.0088 / 360) * {{ widest_cosine }}
        / (0.7 * {{ radius_km or var('cluster_radius_km') }})
    )::integer
{%- endmacro %}
