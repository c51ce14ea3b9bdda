-- Grain: one row a person, under an id that survives rebuilds.
-- revenue is in currency_code, the currency of most of the person's orders; revenue_by_currency holds all of them.
with

details as (

    select * from {{ ref('int_customer_details') }}

),

addresses as (

    select * from {{ ref('int_addresses') }}
    where is_preferred

),

orders as (

    select * from {{ ref('int_customer_orders') }}

),

currencies as (

    select
        customer_id,
        max(currency_code) filter (where is_main) as currency_code,
        max(revenue) filter (where is_main) as revenue,
        max(orders_count) filter (where is_main) as orders_count,
        jsonb_object_agg(currency_code, revenue) as revenue_by_currency
    from {{ ref('int_customer_currencies') }}
    group by customer_id

),

joined as (

    select
        details.customer_id,

        details.first_name,
        details.last_name,
        details.full_name,
        addresses.email,
        details.phone,
        details.social_handle,
        details.loyalty_number,
        details.birth_date,
        details.country_code,
        details.city,
        details.zip,
        details.locale,
        details.language,
        details.time_zone,
        details.time_zone_source,
        details.sources,
        rfm.rfm_group,
        tastes.favourite_category,
        tastes.last_product_title,
        currencies.currency_code,

        details.profiles_count,
        coalesce(orders.orders_count, 0) as orders_count,
        coalesce(orders.orders_count_90d, 0) as orders_count_90d,
        coalesce(orders.orders_count_365d, 0) as orders_count_365d,
        coalesce(orders.orders_with_returns_count, 0) as orders_with_returns_count,
        coalesce(orders.cancelled_orders_count, 0) as cancelled_orders_count,
        orders.days_since_last_order,
        coalesce(currencies.revenue, 0)::numeric(18, 4) as revenue,
        (currencies.revenue / nullif(currencies.orders_count, 0))::numeric(18, 4) as average_order_value,
        coalesce(currencies.revenue_by_currency, '{}') as revenue_by_currency,
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        coalesce(contacts.tickets_count, 0) as tickets_count,
        coalesce(contacts.open_tickets_count, 0) as open_tickets_count,
        coalesce(contacts.bad_ratings_count, 0) as bad_ratings_count,
        coalesce(contacts.social_interactions_count, 0) as social_interactions_count,
        coalesce(contacts.mails_sent_count, 0) as mails_sent_count,
        coalesce(contacts.mails_delivered_count, 0) as mails_delivered_count,
        coalesce(contacts.mails_opened_count, 0) as mails_opened_count,
        coalesce(contacts.mails_clicked_count, 0) as mails_clicked_count,

        coalesce(addresses.email_consent, false) as email_consent,

        addresses.email_consent_at,
        details.first_seen_at,
        orders.first_order_at,
        orders.last_order_at,
        contacts.last_ticket_at,
        contacts.last_social_interaction_at,
        contacts.last_mail_at,
        contacts.last_opened_at,
        contacts.last_clicked_at,
        contacts.last_unsubscribed_at,
        contacts.last_complained_at,
        contacts.last_bounced_at,
        {{ as_of() }} as as_of

    from details
    left join addresses on details.customer_id = addresses.customer_id
    left join orders on details.customer_id = orders.customer_id
    left join currencies on details.customer_id = currencies.customer_id
    left join {{ ref('int_rfm') }} as rfm on details.customer_id = rfm.customer_id
    left join {{ ref('int_customer_tastes') }} as tastes on details.customer_id = tastes.customer_id
    left join {{ ref('int_customer_contacts') }} as contacts on details.customer_id = contacts.customer_id

)

select * from joined
