{{ config(materialized='view') }}
-- Grain: one row a person. What a BI tool may see of customers: facts, but no name, address, number, handle, birthday.
{% set columns = [
    'customer_id', 'country_code', 'locale', 'locale_source', 'language', 'time_zone', 'time_zone_source', 'sources',
    'first_source', 'first_order_channel', 'first_order_utm_source', 'first_order_utm_campaign', 'rfm_group',
    'favourite_category', 'favourite_categories', 'favourite_brand', 'favourite_brands', 'consented_topics',
    'currency_code', 'reporting_currency', 'emails_count', 'verified_emails_count', 'phones_count',
    'social_handles_count', 'profiles_count', 'has_probable_profiles', 'orders_count', 'orders_count_30d', 'orders_count_90d',
    'orders_count_365d', 'orders_with_returns_count', 'cancelled_orders_count', 'days_since_last_order',
    'average_days_between_orders', 'items_count', 'favourite_category_share', 'revenue', 'average_order_value',
    'reporting_revenue', 'reporting_revenue_30d', 'reporting_revenue_90d', 'reporting_revenue_365d',
    'reporting_margin', 'reporting_margin_30d', 'reporting_margin_90d', 'reporting_margin_365d',
    'reporting_ordered_amount', 'reporting_cancelled_amount', 'reporting_returned_amount', 'returned_share',
    'discounted_orders_share', 'average_discount_share', 'recency_score', 'frequency_score', 'monetary_score',
    'tickets_count', 'open_tickets_count', 'tickets_count_365d', 'good_ratings_count', 'bad_ratings_count',
    'social_interactions_count', 'social_mentions_count', 'social_shares_count_365d', 'mails_sent_count',
    'mails_delivered_count', 'mails_opened_count', 'mails_clicked_count', 'mails_sent_count_90d',
    'mails_delivered_count_90d', 'mails_opened_count_90d', 'mails_clicked_count_90d', 'satisfaction_share',
    'average_hours_to_solution', 'sessions_count_30d', 'sessions_count_90d', 'product_views_count_30d',
    'product_views_count_90d', 'searches_count_30d', 'carts_abandoned_count_90d', 'most_viewed_category',
    'last_seen_at', 'nps_score', 'csat_score', 'loyalty_tier', 'loyalty_points', 'email_consent', 'is_loyalty_member', 'first_seen_at', 'first_order_at',
    'probability_alive', 'expected_orders_90d', 'expected_revenue_90d', 'churn_risk', 'order_probability_30d',
    'best_send_hour', 'scored_at', 'last_order_at', 'replenishment_due_on', 'last_clicked_at', 'last_answer_at', 'as_of'
] %}
select
    {% for column in columns -%}
        {{ column }},
    {% endfor -%}
    email is not null as has_email,
    birth_date is not null as has_birth_date
from {{ ref('customers') }}
