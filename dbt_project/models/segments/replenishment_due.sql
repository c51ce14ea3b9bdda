-- A product they buy again and again is due within a week by their own rhythm, or overdue by less than one interval.
select customer_id
from {{ ref('customers') }}
where
    replenishment_due_on - 7 <= {{ shop_day('as_of') }}
    and replenishment_due_on + replenishment_interval_days > {{ shop_day('as_of') }}
