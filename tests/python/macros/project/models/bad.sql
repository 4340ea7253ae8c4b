-- Rows that each generic test must refuse: a tie, a late start, a start at 0, and a gap.
select
    part,
    place,
    null as missing,
    'a_table' as table_name,
    'a_column' as column_name,
    'bad' as reason,
    part = 'b' as is_refused
from
    (values ('a', 1), ('a', 1), ('b', 2), ('c', 0), ('d', 1), ('d', 3))
        as given (part, place)
