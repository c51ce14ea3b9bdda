-- Grain: one row a customer and birthday, from birthday_ahead_days before it, at midnight where the person lives: a
-- step that waits as long is for the day itself. Until the week after it.
with

nearest as (

    select
        customer_id,
        time_zone,
        ({{ as_of() }} at time zone time_zone)::date + days_until_birthday
        - case
            when days_until_birthday > {{ var('birthday_ahead_days') }} then interval '1 year'
            else interval '0 days'
        end as birthday
    from {{ ref('customers') }}
    where days_until_birthday is not null and time_zone is not null

)

select
    'birthday'::text as trigger,
    'birthday:' || customer_id || ':' || extract(year from birthday) as trigger_id,
    customer_id,
    (birthday - interval '{{ var("birthday_ahead_days") }} days') at time zone time_zone as occurred_at,
    (birthday + interval '7 days') at time zone time_zone as expires_at,
    jsonb_build_object('birthday_on', birthday::date) as context
from nearest
where birthday + interval '7 days' > {{ as_of() }} at time zone time_zone
