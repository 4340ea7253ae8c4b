-- Rows that every generic test accepts.
select
    part,
    place,
    'a_table' as table_name,
    'a_column' as column_name,
    'odd' as reason,
    false as is_refused
from (values ('a', 1), ('a', 2), ('b', 1), (null, null)) as given (part, place)
