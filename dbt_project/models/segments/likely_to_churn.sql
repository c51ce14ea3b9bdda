-- Not lost yet, but the published score says that an order in the next 90 days is unlikely.
select customer_id
from {{ ref('customers') }}
where churn_risk >= {{ var('high_churn_risk') }} and days_since_last_order <= {{ var('lost_days') }}
