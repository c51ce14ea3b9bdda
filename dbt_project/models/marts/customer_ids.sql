{{ config(materialized='view') }}
-- Grain: one row a customer_id ever given. An id that a merge ended leads to the one that lives on.
select
    customer_id as given_customer_id,
    coalesce(merged_into, customer_id) as customer_id,
    merged_into is null as is_current,
    created_at
from {{ source('identity', 'customer_ids') }}
