-- The running total of joins and leaves ends at those who are in the segment.
with

sizes as (

    select distinct on (segment)
        segment,
        customers_count
    from {{ ref('segment_sizes') }}
    order by segment asc, date desc

),

members as (

    select
        segment,
        count(*) filter (where left_at is null) as customers_count
    from {{ ref('customer_segments') }}
    group by segment

)

select
    coalesce(sizes.segment, members.segment) as segment,
    sizes.customers_count as running_total,
    members.customers_count as open_stays
from sizes
full join members on sizes.segment = members.segment
where sizes.customers_count is distinct from members.customers_count
