-- Grain: one row a person, under an id that survives rebuilds.
-- revenue is in currency_code, the currency of most of the person's orders; revenue_by_currency holds all of them;
-- reporting_* are in the shop's reporting currency.
with

details as (

    select * from {{ ref('int_customer_details') }}

),

joined as (

    select
        addresses.email,
        {% for column in [
            'customer_id', 'first_name', 'last_name', 'full_name', 'phone', 'social_handle', 'loyalty_number',
            'birth_date', 'country_code', 'city', 'zip', 'locale', 'locale_source', 'language', 'time_zone',
            'time_zone_source', 'sources'
        ] -%}
            details.{{ column }},
        {% endfor -%}
        {% for column in ['source', 'order_channel', 'order_utm_source', 'order_utm_campaign'] -%}
            acquisition.first_{{ column }},
        {% endfor -%}
        rfm.rfm_group,
        tastes.favourite_category,
        tastes.favourite_categories,
        tastes.favourite_brand,
        tastes.favourite_brands,
        tastes.last_product_title,
        replenishments.title as replenishment_product_title,
        topics.consented_topics,
        currencies.currency_code,
        '{{ var("reporting_currency") }}'::text as reporting_currency,
        {% for column in ['emails_count', 'verified_emails_count', 'phones_count', 'social_handles_count'] -%}
            coalesce(points.{{ column }}, 0) as {{ column }},
        {% endfor -%}
        details.profiles_count,
        details.has_probable_profiles,
        {% for column in [
            'orders_count', 'orders_count_30d', 'orders_count_90d', 'orders_count_365d', 'orders_with_returns_count',
            'cancelled_orders_count'
        ] -%}
            coalesce(orders.{{ column }}, 0) as {{ column }},
        {% endfor -%}
        orders.days_since_last_order,
        orders.average_days_between_orders,
        coalesce(tastes.items_count, 0)::numeric(18, 4) as items_count,
        tastes.favourite_category_share::numeric(6, 4) as favourite_category_share,
        coalesce(currencies.revenue, 0)::numeric(18, 4) as revenue,
        (currencies.revenue / nullif(currencies.orders_count, 0))::numeric(18, 4) as average_order_value,
        coalesce(currencies.revenue_by_currency, '{}') as revenue_by_currency,
        {% for column in [
            'revenue', 'revenue_30d', 'revenue_90d', 'revenue_365d', 'margin', 'margin_30d', 'margin_90d', 'margin_365d',
            'ordered_amount', 'cancelled_amount', 'returned_amount'
        ] -%}
            case when money.customer_id is null then 0 else money.reporting_{{ column }} end
            ::numeric(18, 4) as reporting_{{ column }},
        {% endfor -%}
        {% for column in ['returned_share', 'discounted_orders_share', 'average_discount_share'] -%}
            money.{{ column }}::numeric(6, 4) as {{ column }},
        {% endfor -%}
        rfm.recency_score,
        rfm.frequency_score,
        rfm.monetary_score,
        {% for column in [
            'tickets_count', 'open_tickets_count', 'tickets_count_365d', 'good_ratings_count', 'bad_ratings_count',
            'social_interactions_count', 'social_mentions_count', 'social_shares_count_365d', 'mails_sent_count',
            'mails_delivered_count', 'mails_opened_count', 'mails_clicked_count', 'mails_sent_count_90d',
            'mails_delivered_count_90d', 'mails_opened_count_90d', 'mails_clicked_count_90d'
        ] -%}
            coalesce(contacts.{{ column }}, 0) as {{ column }},
        {% endfor -%}
        contacts.satisfaction_share::numeric(6, 4) as satisfaction_share,
        contacts.average_hours_to_solution::numeric(12, 2) as average_hours_to_solution,
        details.days_until_birthday,
        {% for column in [
            'sessions_count_30d', 'sessions_count_90d', 'product_views_count_30d', 'product_views_count_90d',
            'searches_count_30d', 'carts_abandoned_count_90d'
        ] -%}
            coalesce(browsing.{{ column }}, 0) as {{ column }},
        {% endfor -%}
        {% for column in [
            'probability_alive', 'expected_orders_90d', 'expected_revenue_90d', 'churn_risk', 'order_probability_30d',
            'best_send_hour', 'scored_at'
        ] -%}
            scores.{{ column }},
        {% endfor -%}
        answers.nps_score,
        answers.csat_score,
        loyalty.tier as loyalty_tier,
        loyalty.points as loyalty_points,
        loyalty.points_expiring as loyalty_points_expiring,
        loyalty.expire_on as loyalty_points_expire_on,
        coalesce(addresses.email_consent, false) as email_consent,
        details.loyalty_number is not null as is_loyalty_member,
        addresses.email_consent_at,
        details.first_seen_at,
        orders.first_order_at,
        orders.last_order_at,
        replenishments.due_on as replenishment_due_on,
        replenishments.interval_days as replenishment_interval_days,
        {% for column in [
            'last_ticket_at', 'last_bad_rating_at', 'oldest_open_ticket_at', 'last_social_interaction_at', 'last_mail_at',
            'last_opened_at', 'last_clicked_at', 'last_unsubscribed_at', 'last_complained_at', 'last_bounced_at'
        ] -%}
            contacts.{{ column }},
        {% endfor -%}
        {% for column in [
            'most_viewed_category', 'last_search', 'last_search_at', 'first_visit_at', 'last_seen_at', 'last_cart_at'
        ] -%}
            browsing.{{ column }},
        {% endfor -%}
        answers.last_answer_at,
        {{ as_of() }} as as_of

    from details
    left join {{ ref('int_addresses') }} as addresses
        on details.customer_id = addresses.customer_id and addresses.is_preferred
    left join {{ ref('int_customer_contact_points') }} as points on details.customer_id = points.customer_id
    left join {{ ref('int_customer_main_currency') }} as currencies on details.customer_id = currencies.customer_id
    left join {{ ref('int_replenishments') }} as replenishments
        on details.customer_id = replenishments.customer_id and replenishments.is_next
    left join {{ ref('int_customer_acquisition') }} as acquisition on details.customer_id = acquisition.customer_id
    left join {{ ref('int_customer_orders') }} as orders on details.customer_id = orders.customer_id
    left join {{ ref('int_customer_money') }} as money on details.customer_id = money.customer_id
    left join {{ ref('int_customer_topics') }} as topics on details.customer_id = topics.customer_id
    left join {{ ref('int_rfm') }} as rfm on details.customer_id = rfm.customer_id
    left join {{ ref('int_customer_tastes') }} as tastes on details.customer_id = tastes.customer_id
    left join {{ ref('int_customer_contacts') }} as contacts on details.customer_id = contacts.customer_id
    left join {{ ref('int_customer_browsing') }} as browsing on details.customer_id = browsing.customer_id
    left join {{ ref('int_customer_answers') }} as answers on details.customer_id = answers.customer_id
    left join {{ ref('int_customer_scores') }} as scores on details.customer_id = scores.customer_id
    left join {{ ref('int_customer_loyalty') }} as loyalty on details.customer_id = loyalty.customer_id

)

select * from joined
