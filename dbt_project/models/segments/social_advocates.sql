-- Mentioned, quoted or reposted the shop three times in a year, and have no quarrel with it. Nothing reads the tone.
select customer_id
from {{ ref('customers') }}
where social_shares_count_365d >= 3 and bad_ratings_count = 0 and open_tickets_count = 0
