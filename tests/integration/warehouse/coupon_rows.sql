-- Codes that went with mails of spring and one that went nowhere.
insert into ops.coupon_code (code, coupon, origin, added_at, send_id, bound_at, expires_at)
select
    codes.code, 'spring10', 'import', timestamptz '2026-04-01 00:00+00', send.send_id,
    case when send.send_id is not null then timestamptz '2026-05-01 08:00+00' end,
    case when send.send_id is not null then timestamptz '2026-05-15 08:00+00' end
from (values
    ('SPRING-001', 1), ('SPRING-002', 2), ('SPRING-003', 3), ('SPRING-009', 9), ('SPRING-FREE', null)
) as codes (code, n)
left join ops.send on send.campaign_id = 'spring' and send.recipient_key = 'k' || codes.n;
