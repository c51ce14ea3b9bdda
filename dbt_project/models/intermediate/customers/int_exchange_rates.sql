-- Grain: one row a currency and span of days: what one unit of it is in the reporting currency. Spans do not overlap.
with

seed as (

    select * from {{ ref('exchange_rates') }}

),

rates as (

    select
        currency_code,
        rate_date as valid_from,
        least(
            lead(rate_date) over (partition by currency_code order by rate_date),
            rate_date + {{ var('exchange_rate_days') }}
        ) as valid_to,
        rate_to_eur
    from seed
    union all
    select
        'EUR' as currency_code,
        date '0001-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        1 as rate_to_eur

),

crossed as (

    select
        rates.currency_code,
        greatest(rates.valid_from, reporting.valid_from) as valid_from,
        least(rates.valid_to, reporting.valid_to) as valid_to,
        (rates.rate_to_eur / reporting.rate_to_eur)::numeric(18, 8) as reporting_rate
    from rates
    inner join rates as reporting
        on
            rates.currency_code <> reporting.currency_code
            and rates.valid_from < reporting.valid_to
            and rates.valid_to > reporting.valid_from
    where reporting.currency_code = '{{ var("reporting_currency") }}'

),

-- The reporting currency needs no rate.
unioned as (

    select * from crossed
    union all
    select
        '{{ var("reporting_currency") }}' as currency_code,
        date '0001-01-01' as valid_from,
        date '9999-12-31' as valid_to,
        1::numeric(18, 8) as reporting_rate

)

select * from unioned
