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

revoke update, delete on ops.opt_in_confirmation from engine;
grant insert on ops.consent_fact, ops.opt_in, ops.opt_in_confirmation to gateway;
-- Everything but the wording.
grant select (recipient_key, topic, granted, occurred_at, source, how, source_record_id) on ops.consent_fact to gateway;
grant select (due_at) on ops.send to gateway;
-- Everything but the address.
grant select (opt_in_id, recipient_key, topic, language, wording, source, asked_at, expires_at) on ops.opt_in to gateway;
grant select on ops.opt_in_confirmation, ops.topic_title to gateway;
