{{ config(materialized='view') }}
-- Grain: one row a stay of a customer in a segment; left_at is null while it lasts.
-- depends_on: {{ ref('current_members') }}
select
    customer_id,
    segment,
    since_at,
    left_at
from {{ source('history', 'membership_history') }}
