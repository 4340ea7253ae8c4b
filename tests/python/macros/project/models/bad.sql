-- Rows that each generic test must refuse: a tie, a late start, a start at 0, and a gap.
select
    part,
    place,
    null as missing,
    'part,place' as unreadable_columns
from
    (values ('a', 1), ('a', 1), ('b', 2), ('c', 0), ('d', 1), ('d', 3))
        as given (part, place)
