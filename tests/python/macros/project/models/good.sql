-- Rows that every generic test accepts.
select
    part,
    place,
    'displaced' as unreadable_columns
from (values ('a', 1), ('a', 2), ('b', 1), (null, null)) as given (part, place)
