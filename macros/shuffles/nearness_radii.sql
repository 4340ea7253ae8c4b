{#
    The radii (list of kilometres, the smallest first) within which nearness is compared with chance:
    cluster_radius_km and the other two.
#}
{% macro nearness_radii() -%}
    {{ return(([var('cluster_radius_km')] + var('other_radii_km')) | map('float') | unique | sort) }}
{%- endmacro %}
