-- Grain: one row a customer with a ticket, a social interaction or a mail.
with

tickets as (

    select
        customer_id,
        count(*) as tickets_count,
        count(*) filter (where is_open) as open_tickets_count,
        count(*) filter (where {{ within('created_at', 365) }}) as tickets_count_365d,
        count(*) filter (where satisfaction_score = 'good') as good_ratings_count,
        count(*) filter (where satisfaction_score = 'bad') as bad_ratings_count,
        avg((satisfaction_score = 'good')::integer) filter (where satisfaction_score in ('good', 'bad'))
            as satisfaction_share,
        avg(hours_to_solution) as average_hours_to_solution,
        max(created_at) as last_ticket_at,
        max(updated_at) filter (where satisfaction_score = 'bad') as last_bad_rating_at,
        min(created_at) filter (where is_open) as oldest_open_ticket_at
    from {{ ref('support_tickets') }}
    where customer_id is not null
    group by customer_id

),

social as (

    select
        customer_id,
        count(*) as social_interactions_count,
        count(*) filter (where kind in ('mention', 'reply', 'quote')) as social_mentions_count,
        count(*) filter (
            where kind in ('mention', 'quote', 'repost') and {{ within('created_at', 365) }}
        ) as social_shares_count_365d,
        max(created_at) as last_social_interaction_at
    from {{ ref('social_interactions') }}
    where customer_id is not null
    group by customer_id

),

mails as (

    select
        customer_id,
        count(accepted_at) as mails_sent_count,
        count(delivered_at) as mails_delivered_count,
        count(opened_at) as mails_opened_count,
        count(clicked_at) as mails_clicked_count,
        {% for step in ['accepted', 'delivered', 'opened', 'clicked'] -%}
            count({{ step }}_at) filter (where {{ within('accepted_at', 90) }})
                as mails_{{ 'sent' if step == 'accepted' else step }}_count_90d,
        {% endfor -%}
        max(accepted_at) as last_mail_at,
        max(opened_at) as last_opened_at,
        max(clicked_at) as last_clicked_at,
        max(unsubscribed_at) as last_unsubscribed_at,
        max(complained_at) as last_complained_at,
        max(bounced_at) as last_bounced_at
    from {{ ref('messages') }}
    where customer_id is not null
    group by customer_id

),

joined as (

    select
        {% for column in [
            'tickets_count', 'open_tickets_count', 'tickets_count_365d', 'good_ratings_count', 'bad_ratings_count',
            'satisfaction_share', 'average_hours_to_solution', 'last_ticket_at', 'last_bad_rating_at',
            'oldest_open_ticket_at'
        ] -%}
            tickets.{{ column }},
        {% endfor -%}
        social.social_interactions_count,
        social.social_mentions_count,
        social.social_shares_count_365d,
        social.last_social_interaction_at,
        {% for column in [
            'mails_sent_count', 'mails_delivered_count', 'mails_opened_count', 'mails_clicked_count',
            'mails_sent_count_90d', 'mails_delivered_count_90d', 'mails_opened_count_90d', 'mails_clicked_count_90d',
            'last_mail_at', 'last_opened_at', 'last_clicked_at', 'last_unsubscribed_at', 'last_complained_at',
            'last_bounced_at'
        ] -%}
            mails.{{ column }},
        {% endfor -%}
        coalesce(tickets.customer_id, social.customer_id, mails.customer_id) as customer_id
    from tickets
    full join social on tickets.customer_id = social.customer_id
    full join mails on coalesce(tickets.customer_id, social.customer_id) = mails.customer_id

)

select * from joined
