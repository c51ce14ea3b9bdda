-- What decides when a planned message may leave: its lane, its open hours, its wave, and how fast a lane may go.
alter table ops.campaign
    add column priority smallint not null default 50,
    add column paused_because text,
    add column paused_at timestamptz;

-- An occurrence large enough sends a few first (its canary wave) and the rest once it is released.
alter table ops.occurrence
    -- Null: there is no canary wave, everything may leave at once.
    add column canary_wait_seconds integer,
    add column released_at timestamptz,
    add column held_because text;

alter table ops.send
    add column mailbox text not null default 'rest',
    add column canary boolean not null default true,
    -- Null: at any hour. A message that is late is held until the next of these, not sent into somebody's night.
    add column open_during tstzmultirange;

-- A lane is one wave of one occurrence to one mailbox provider: the unit that priorities, rates and releases are about.
drop index ops.send_due;
create index send_lane on ops.send (campaign_id, occurrence_key, mailbox, canary, due_at, send_id)
where state = 'pending';

-- Messages that shared one request are doubtful together.
alter table ops.send_attempt add column request_id uuid;

-- Token buckets. Real seconds: rates protect the provider's patience and a sender's name, whatever our clock says.
create table ops.throttle (
    scope text not null check (scope in ('all', 'campaign', 'mailbox')),
    key text not null,
    per_second double precision not null check (per_second > 0),
    burst double precision not null check (burst >= 1),
    tokens double precision not null,
    refilled_at timestamptz not null default clock_timestamp(),
    primary key (scope, key),
    check (scope != 'all' or key = '*')
);

-- A new sending domain grows by day: the n-th number is the n-th day's most; after the last there is no limit.
create table ops.warm_up (
    sending_domain text primary key,
    started_on date not null,
    daily_limits integer [] not null check (cardinality(daily_limits) > 0),
    counted_on date,
    sent integer not null default 0
);

-- Which mailbox provider takes mail for a domain: stated, or found by the suffix of its mail exchanger.
create table ops.mailbox_domain (
    domain text primary key,
    family text not null,
    found_by text not null check (found_by in ('stated', 'mx')),
    looked_up_at timestamptz
);
create table ops.mailbox_exchanger (
    suffix text primary key,
    family text not null
);
insert into ops.mailbox_domain (domain, family, found_by) values
('gmail.com', 'gmail', 'stated'), ('googlemail.com', 'gmail', 'stated'),
('outlook.com', 'outlook', 'stated'), ('hotmail.com', 'outlook', 'stated'), ('live.com', 'outlook', 'stated'),
('msn.com', 'outlook', 'stated'), ('hotmail.co.uk', 'outlook', 'stated'), ('hotmail.fr', 'outlook', 'stated'),
('hotmail.de', 'outlook', 'stated'), ('hotmail.it', 'outlook', 'stated'), ('hotmail.es', 'outlook', 'stated'),
('outlook.de', 'outlook', 'stated'), ('outlook.fr', 'outlook', 'stated'), ('live.co.uk', 'outlook', 'stated'),
('yahoo.com', 'yahoo', 'stated'), ('ymail.com', 'yahoo', 'stated'), ('rocketmail.com', 'yahoo', 'stated'),
('aol.com', 'yahoo', 'stated'), ('yahoo.co.uk', 'yahoo', 'stated'), ('yahoo.fr', 'yahoo', 'stated'),
('yahoo.de', 'yahoo', 'stated'), ('yahoo.it', 'yahoo', 'stated'), ('yahoo.es', 'yahoo', 'stated'),
('yahoo.co.jp', 'rest', 'stated');
insert into ops.mailbox_exchanger (suffix, family) values
('google.com', 'gmail'), ('googlemail.com', 'gmail'),
('protection.outlook.com', 'outlook'), ('olc.protection.outlook.com', 'outlook'), ('mx.microsoft', 'outlook'),
('yahoodns.net', 'yahoo');

insert into ops.control (name, value) values ('marketing_stop', 'false');
