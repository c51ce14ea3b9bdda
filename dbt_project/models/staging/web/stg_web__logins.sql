-- On an account's behalf a library sends the store's id with every event until somebody logs out.
with

source as (

    select * from {{ source('web', 'events') }}
    where has_consent and not is_bot and device_id is not null and user_id is not null

),

grouped as (

    select
        device_id,
        regexp_replace(user_id, '^.*/', '') as account_number,
        count(*) as events_count,
        min(occurred_at) as first_logged_in_at,
        max(occurred_at) as last_logged_in_at
    from source
    group by device_id, regexp_replace(user_id, '^.*/', '')

)

select * from grouped
