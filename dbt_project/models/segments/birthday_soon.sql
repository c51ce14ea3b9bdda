-- Birthday within two weeks, by the day where the person lives. Who was born on 29 February has it on the 28th.
select customer_id
from {{ ref('customers') }}
where days_until_birthday <= 14
