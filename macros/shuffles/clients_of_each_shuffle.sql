{#
    A query of who is a client's patient in each shuffle (home_number, shuffle_number): those whose hash
    comes first, as many as there are in truth.

    homes: relation with is_unaffiliated. hashed: relation with home_number, digest_number and digest.
#}
{% macro clients_of_each_shuffle(homes, hashed) -%}
    select
        firsts.home_number,
        shuffle_number
    from generate_series(1, {{ var('nearness_shuffles') }}) as shuffle_number
    cross join lateral (
        select hashed.home_number
        from {{ hashed }} as hashed
        where hashed.digest_number = (shuffle_number + 7) / 8
        order by
            {{ code_order("substr(hashed.digest, 1 + 8 * ((shuffle_number - 1) % 8), 8)") }},
            hashed.home_number
        limit (select count(*) from {{ homes }} where not is_unaffiliated)
    ) as firsts
{%- endmacro %}
