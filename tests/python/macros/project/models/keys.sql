-- Keys of text that tries to pass for other text, and digests of the same.
select
    first_value,
    second_value,
    {{ surrogate_key(['first_value', 'second_value']) }} as row_key,
    {{ sha256_hex('first_value') }} as digest
from (
    values
    ('a', 'b'), ('ab', ''), ('', 'ab'), ('a', null), (null, 'a'), (null, null), ('', ''),
    ('-', null), ('=', null), ('a' || chr(31) || '=b', 'c'), ('a', 'b' || chr(31) || '=c'),
    ('a' || chr(31), '=b'), ('a', chr(31) || '=b'), ('Müller', '日本')
) as given (first_value, second_value)
