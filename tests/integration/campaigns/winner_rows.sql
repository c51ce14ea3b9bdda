-- Four thousand mails of one occurrence: a thousand each try a and b, the rest waits. A fourth reads Arabic.
insert into ops.campaign (campaign_id, kind, topic, policy, definition, version, updated_at)
values ('spring', 'broadcast', 'marketing', 'at_most_once', '{}', '1', '2027-03-01');
insert into ops.template (template_version, campaign_id, variant, language, subject, html, body_text, created_at)
select variant || '-' || language, 'spring', variant, language, 'Hello', 'Hello {{ first_name }}',
    case variant when 'b' then '{{ favourite_category or 1 }}' else '' end, '2027-03-01'
from unnest(array['a', 'b']) as variant
cross join unnest(array['en', 'ar']) as language;
insert into ops.occurrence (campaign_id, occurrence_key, planned_at, waterfall, decide_at, lot)
values ('spring', '2027-03-01T06:00', '2027-03-01 06:00+00', '{}', '2027-03-01 10:00+00', '{
    "holdout_percent": 0,
    "experiment": {
        "name": "words",
        "variants": {"a": {"share": 50}, "b": {"share": 50}},
        "winner": {"by": "clicks", "test_percent": 50, "after": "240m"}
    },
    "templates": {"a": {"en": "a-en", "ar": "a-ar"}, "b": {"en": "b-en", "ar": "b-ar"}}
}');
insert into ops.recipient (recipient_key, address, created_at)
select 'k' || n, 'c' || n || '@example.com', '2027-03-01'
from generate_series(1, 4000) as n;
insert into ops.send (
    send_id, campaign_id, occurrence_key, recipient_key, customer_id, variant, awaits_winner, topic, policy, state, due_at,
    expires_at, template_version, context, planned_at
)
select
    ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'spring', '2027-03-01T06:00', 'k' || n, 'c' || n,
    case when n <= 2000 and n % 2 = 0 then 'b' else 'a' end, n > 2000, 'marketing', 'at_most_once',
    case when n <= 2000 then 'accepted' else 'pending' end, '2027-03-01 10:15+00', '2027-03-02 06:00+00',
    case when n <= 2000 and n % 2 = 0 then 'b-' else 'a-' end || case when n % 4 = 3 then 'ar' else 'en' end,
    '{"first_name": "Joe", "favourite_category": null}', '2027-03-01 06:00+00'
from generate_series(1, 4000) as n;
