-- Grain: one row a customer with a ticket, a social interaction or a mail.
with

tickets as (

    select
        customer_id,
        count(*) as tickets_count,
        count(*) filter (where is_open) as open_tickets_count,
        count(*) filter (where satisfaction_score = 'bad') as bad_ratings_count,
        max(created_at) as last_ticket_at
    from {{ ref('support_tickets') }}
    where customer_id is not null
    group by customer_id

),

social as (

    select
        customer_id,
        count(*) as social_interactions_count,
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
        max(accepted_at) as last_mail_at,
        max(opened_at) as last_opened_at,
        max(clicked_at) as last_clicked_at,
        max(unsubscribed_at) as last_unsubscribed_at,
        max(complained_at) as last_complained_at,
        max(bounced_at) as last_bounced_at
    from {{ ref('messages') }}
    group by customer_id

)

select
    coalesce(tickets.customer_id, social.customer_id, mails.customer_id) as customer_id,
    tickets.tickets_count,
    tickets.open_tickets_count,
    tickets.bad_ratings_count,
    tickets.last_ticket_at,
    social.social_interactions_count,
    social.last_social_interaction_at,
    mails.mails_sent_count,
    mails.mails_delivered_count,
    mails.mails_opened_count,
    mails.mails_clicked_count,
    mails.last_mail_at,
    mails.last_opened_at,
    mails.last_clicked_at,
    mails.last_unsubscribed_at,
    mails.last_complained_at,
    mails.last_bounced_at
from tickets
full join social on tickets.customer_id = social.customer_id
full join mails on coalesce(tickets.customer_id, social.customer_id) = mails.customer_id
