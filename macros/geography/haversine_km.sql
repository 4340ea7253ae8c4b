{#
    Great-circle distance between two points in kilometres (double precision) by the haversine formula,
    on a sphere of the earth's mean radius, 6371.0088 km (IUGG). Arguments are degrees.
#}
{% macro haversine_km(latitude_a, longitude_a, latitude_b, longitude_b) -%}
    (
        2 * 6371.0088 * asin(sqrt(least(
            1.0,
            power(sin(radians(({{ latitude_b }}) - ({{ latitude_a }})) / 2), 2)
            + cos(radians({{ latitude_a }})) * cos(radians({{ latitude_b }}))
            * power(sin(radians(({{ longitude_b }}) - ({{ longitude_a }})) / 2), 2)
        )))
    )
{%- endmacro %}
