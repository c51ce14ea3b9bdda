-- Wait for an answer, and have waited for three days or rated the shop badly within half a year.
select customer_id
from {{ ref('customers') }}
where
    open_tickets_count > 0
    and (
        oldest_open_ticket_at < as_of - interval '3 days'
        or last_bad_rating_at > as_of - interval '180 days'
    )
