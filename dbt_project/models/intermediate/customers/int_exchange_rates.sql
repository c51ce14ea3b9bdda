-- Grain: one row a foreign currency and day: what one unit of it is in the reporting currency. A row a day, so that
-- orders join by equality. The euro is the bridge between two currencies; the reporting currency itself has no row.
with

seed as (

    select * from {{ ref('exchange_rates') }}

),

spans as (

    select
        currency_code,
        rate_to_eur,
        rate_date as first_on,
        least(
            lead(rate_date) over (partition by currency_code order by rate_date),
            rate_date + {{ var('exchange_rate_days') }}
        ) - 1 as last_on
    from seed

),

days as (

    select
        currency_code,
        generate_series(first_on, last_on, interval '1 day')::date as rate_on,
        rate_to_eur
    from spans

),

with_euro as (

    select * from days
    union all
    select distinct
        'EUR' as currency_code,
        rate_on,
        1::numeric as rate_to_eur
    from days

)

select
    given.currency_code,
    given.rate_on,
    (given.rate_to_eur / reporting.rate_to_eur)::numeric(24, 12) as reporting_rate
from with_euro as given
inner join with_euro as reporting on given.rate_on = reporting.rate_on
where
    reporting.currency_code = '{{ var("reporting_currency") }}'
    and given.currency_code <> reporting.currency_code
