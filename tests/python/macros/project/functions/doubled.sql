declare
    found bigint;
begin
    if number is null then
        raise exception 'a number is needed';
    end if;
    select count(*) into found from {{ ref('good') }};
    return number * 2 + found * 0;
end
