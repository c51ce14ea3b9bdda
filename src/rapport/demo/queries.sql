-- name: raw_counts
select
    (select count(*) from raw_shopify.customers) as shop_customers,
    (select count(*) from raw_shopify.orders) as shop_orders,
    (select count(*) from raw_shopify.products) as shop_products,
    (select count(*) from raw_zendesk.tickets) as tickets,
    (select count(*) from raw_zendesk.users) as support_users,
    (select count(*) from raw_bluesky.interactions) as interactions,
    (select count(*) from raw_bluesky.profiles) as social_profiles,
    (select count(*) from raw_web.events) as web_events;

-- name: raw_truth
select
    (select count(*) from raw_shopify.orders where test is not true) as orders_count,
    (select count(*) from raw_zendesk.tickets) as tickets_count,
    (select count(*) from raw_files.loyalty where feed = 'loyalty_club') as members_count;

-- name: mart_counts
select
    (select count(*) from marts.customers) as customers,
    (select count(*) from identity.members) as profiles,
    (select count(*) from marts.orders) as orders,
    (select count(*) from marts.support_tickets) as tickets,
    (select sum(revenue) from marts.customers) as customers_revenue,
    (select sum(revenue) from marts.orders where customer_id is not null) as orders_revenue;

-- name: segments
select segment, count(*) as n
from segments.customer_segments
where left_at is null
group by segment
order by segment;

-- name: sends
select
    count(*) as planned,
    count(*) filter (where state in ('planned', 'pending', 'sending', 'unknown')) as open,
    count(*) filter (where state = 'accepted') as accepted,
    count(*) filter (where state = 'suppressed') as suppressed,
    count(*) filter (where state = 'failed') as failed,
    count(*) filter (where state = 'expired') as expired,
    count(*) filter (where state = 'cancelled') as cancelled,
    count(*) filter (where state = 'quarantined') as quarantined
from ops.send;

-- name: decided_as_planned
select count(*) as n from ops.decision where outcome = 'planned';

-- name: events
select
    count(distinct send_id) filter (where event = 'delivered') as delivered,
    count(distinct send_id) filter (where event in ('bounce', 'dropped')) as bounced,
    count(distinct send_id) filter (
        where event = 'open' and coalesce((raw ->> 'sg_machine_open')::boolean, false) is false
    ) as opened,
    (select count(distinct click.send_id) from ops.click where not click.is_machine) as clicked,
    count(distinct send_id) filter (where event = 'spamreport') as complained,
    (select count(distinct evidence_id) from ops.suppression where reason = 'unsubscribe') as unsubscribed,
    count(*) filter (where processed_at is null) as unread
from ops.webhook_inbox;

-- name: trips
select reason
from ops.breaker_trip
where level != 'warn' and tripped_at >= %(since)s
order by recorded_at;

-- name: results
select
    campaign_id,
    occurrence_key,
    sum(planned)::bigint as planned,
    sum(accepted)::bigint as accepted,
    sum(delivered)::bigint as delivered,
    sum(opened)::bigint as opened,
    sum(clicked)::bigint as clicked,
    sum(orders_count)::bigint as orders_count,
    round(sum(reporting_revenue), 2) as revenue
from marts.campaign_results
group by campaign_id, occurrence_key
order by occurrence_key desc, campaign_id;
