-- What people say on the gateway's own pages: which topics they want, and that they asked for mail and confirmed it.

-- How the preference page calls a topic; a language that is missing here is shown in English, a topic by its own name.
create table ops.topic_title (
    topic text not null,
    language text not null,
    title text not null check (title != ''),
    primary key (topic, language)
);
insert into ops.topic_title (topic, language, title) values
('marketing', 'en', 'News and offers'), ('marketing', 'de', 'Neuigkeiten und Angebote'),
('marketing', 'fr', 'Nouveautés et offres'), ('marketing', 'es', 'Novedades y ofertas'),
('marketing', 'it', 'Novità e offerte'), ('marketing', 'nl', 'Nieuws en aanbiedingen'),
('marketing', 'uk', 'Новини та пропозиції'), ('marketing', 'ru', 'Новости и предложения'),
('marketing', 'ar', 'الأخبار والعروض'), ('marketing', 'he', 'חדשות ומבצעים'), ('marketing', 'fa', 'خبرها و پیشنهادها');

-- Grain: one row a request for mail. It grants nothing until it is confirmed from the mailbox itself.
create table ops.opt_in (
    opt_in_id uuid primary key,
    recipient_key text not null,
    -- Null: ops.recipient knows the address, or the request is over and the address was erased from here.
    address text,
    topic text not null,
    language text not null,
    wording text not null,
    source text not null check (source in ('form', 'preference_page')),
    asked_at timestamptz not null,
    expires_at timestamptz not null,
    check (asked_at < expires_at)
);
create index on ops.opt_in (recipient_key, asked_at);
create index on ops.opt_in (expires_at) where address is not null;

-- A row of its own rather than a column of the request, because the gateway only ever inserts.
create table ops.opt_in_confirmation (
    opt_in_id uuid primary key references ops.opt_in,
    confirmed_at timestamptz not null,
    recorded_at timestamptz not null default clock_timestamp()
);

-- The suppressions that hold for an address and a topic. What a person ended, the same person may begin again by a
-- confirmed request made for this topic; complaints, dead addresses and what staff or law decided stay for good.
-- One statement, stable and in the caller's rights, so that Postgres plans it as a part of the query that asks.
create function ops.suppression_in_force(of_recipient text, of_topic text)
returns table (topic text, reason text, occurred_at timestamptz)
language sql stable
as $$
    select
        stop.topic,
        stop.reason,
        stop.occurred_at
    from ops.suppression as stop
    where
        stop.recipient_key = of_recipient
        and stop.topic in ('*', of_topic)
        and not (
            stop.reason = 'unsubscribe'
            and exists (
                select 1
                from ops.opt_in
                inner join ops.opt_in_confirmation using (opt_in_id)
                where
                    opt_in.recipient_key = of_recipient
                    and opt_in.topic = of_topic
                    and opt_in_confirmation.confirmed_at > stop.occurred_at
            )
        )
$$;

revoke update, delete on ops.opt_in_confirmation from engine;
grant insert on ops.consent_fact, ops.opt_in, ops.opt_in_confirmation to gateway;
grant select (recipient_key, topic, granted, occurred_at) on ops.consent_fact to gateway;
grant select (source, source_record_id) on ops.consent_fact to gateway;
grant select (due_at) on ops.send to gateway;
-- Everything but the address.
grant select (opt_in_id, recipient_key, topic, language, wording, source, asked_at, expires_at) on ops.opt_in to gateway;
grant select on ops.opt_in_confirmation, ops.topic_title to gateway;
