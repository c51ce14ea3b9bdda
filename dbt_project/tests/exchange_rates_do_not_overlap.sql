-- Each day of each currency has at most one rate, or an order's money would count twice.
select
    a.currency_code,
    a.valid_from
from {{ ref('int_exchange_rates') }} as a
inner join {{ ref('int_exchange_rates') }} as b
    on
        a.currency_code = b.currency_code
        and a.valid_from < b.valid_from
        and b.valid_from < a.valid_to
