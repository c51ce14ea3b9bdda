{{ config(materialized='view') }}
-- Grain: one row a day of the shop's calendar and segment, from its first member until as_of: members at the end of the
-- day, and who joined and left in it. Who joins and leaves again within a day counts in both.
-- depends_on: {{ ref('current_members') }}
with

history as (

    select * from {{ source('history', 'membership_history') }}

),

moves as (

    select
        {{ shop_day('since_at') }} as date,
        segment,
        1 as joined_count,
        0 as left_count
    from history
    union all
    select
        {{ shop_day('left_at') }} as date,
        segment,
        0 as joined_count,
        1 as left_count
    from history
    where left_at is not null

),

counted as (

    select
        date,
        segment,
        sum(joined_count) as joined_count,
        sum(left_count) as left_count
    from moves
    group by date, segment

),

days as (

    select
        segment,
        generate_series(min(date), greatest(max(date), {{ shop_day(as_of()) }}), interval '1 day')::date as date
    from counted
    group by segment

)

select
    days.date,
    days.segment,
    (
        sum(coalesce(counted.joined_count - counted.left_count, 0)) over (partition by days.segment order by days.date)
    )::bigint as customers_count,
    coalesce(counted.joined_count, 0)::bigint as joined_count,
    coalesce(counted.left_count, 0)::bigint as left_count
from days
left join counted on days.segment = counted.segment and days.date = counted.date
