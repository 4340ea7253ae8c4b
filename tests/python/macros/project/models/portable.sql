-- One row with a result of each macro that hides dialect.
select
    {{ utc_text("'2019-07-01 00:00:00-04'::timestamptz") }} as utc,
    {{ utc_text("null::timestamptz") }} as no_time,
    {{ time_in_zone("'2019-07-01 00:00:00Z'::timestamptz", "America/New_York") }} as local_time,
    {{ replace_pattern("'a1b22'", "[0-9]+", "-") }} as replaced,
    {{ matches_pattern("'G0279'", "^[A-Z]") }} as does_match,
    {{ matches_pattern("'0279'", "^[A-Z]") }} as does_not_match,
    (select min({{ code_order('code') }}) from (values ('a'), ('B')) as codes (code)) as first_code,
    (
        select string_agg(coalesce(({{ reads_as('word', 'numeric(3,1)') }})::text, 'null'), ' ')
        from (values ('9.94'), ('99.95'), ('x'), (' nan'), ('-Infinity'), (null)) as words (word)
    ) as read_as_numbers,
    (
        select string_agg(coalesce(({{ reads_as('word', 'timestamptz') }})::text, 'null'), ' ')
        from (values ('2019-07-01 10:00'), ('noon'), ('now'), ('Today 10:00'), ('-infinity'), (null))
            as words (word)
    ) as read_as_times
