-- Grain: one row a campaign, occurrence and family of mailbox providers. A family that takes fewer mails, opens fewer
-- or complains more than the others shows a trouble of delivery, not of the campaign.
select
    campaign_id,
    occurrence_key,
    mailbox,
    count(*) as planned,
    count(accepted_at) as accepted,
    count(delivered_at) as delivered,
    count(opened_at) as opened,
    count(machine_opened_at) filter (where opened_at is null) as machine_opened_only,
    count(clicked_at) as clicked,
    count(machine_clicked_at) filter (where clicked_at is null) as machine_clicked_only,
    count(unsubscribed_at) as unsubscribed,
    count(complained_at) as complained,
    count(bounced_at) as bounced,
    count(bounced_at) filter (where bounce_kind = 'hard') as hard_bounced
from {{ ref('messages') }}
group by campaign_id, occurrence_key, mailbox
