-- Grain: one row a device on which somebody logged in. Rule device_logged_in: it belongs to the person who did, if that
-- is one person in all; a computer that two share belongs to nobody. People are never joined by a device.
with

logins as (

    select
        logins.device_id,
        accounts.customer_id,
        logins.first_logged_in_at,
        logins.last_logged_in_at
    from {{ ref('stg_web__logins') }} as logins
    left join {{ ref('int_web_accounts') }} as accounts on logins.account_number = accounts.account_number

),

counted as (

    select
        device_id,
        count(distinct customer_id) as people_count,
        -- An account that nobody knows yet may be a second person.
        count(*) filter (where customer_id is null) as unknown_accounts_count,
        min(customer_id) as first_customer_id,
        min(first_logged_in_at) as first_logged_in_at,
        max(last_logged_in_at) as last_logged_in_at
    from logins
    group by device_id

)

select
    device_id,
    case when people_count = 1 and unknown_accounts_count = 0 then first_customer_id end as customer_id,
    case when people_count = 1 and unknown_accounts_count = 0 then 'device_logged_in' end as rule,
    people_count,
    unknown_accounts_count,
    first_logged_in_at,
    last_logged_in_at
from counted
