set local role transformer;

-- Profiles of a customer with the same certain_key are one person by exact rules or by a person's word; others only
-- probably. confidence says whether the profile is in the part of the customer that a mail may speak of.
alter table identity.members
    add column confidence text not null default 'certain' check (confidence in ('certain', 'probable')),
    add column certain_key text;

-- Grain: one row a profile as the last run saw it, so that the next one works on what changed.
create table identity.profile_states (
    profile_key text primary key,
    fingerprint text not null
);

-- Grain: one row a pair of profiles and the rule that speaks for them, as of the last run. Rule likeness has a
-- probability and says in words which fields agree; exact rules have probability 1.
create table identity.edges (
    profile_key_a text not null,
    profile_key_b text not null,
    rule text not null,
    is_certain boolean not null,
    probability real not null check (probability > 0 and probability <= 1),
    evidence text,
    primary key (profile_key_a, profile_key_b, rule),
    check (profile_key_a < profile_key_b)
);
create index on identity.edges (profile_key_b);

-- Grain: one row a pair that a person should look at, or has.
create table identity.match_reviews (
    review_id bigint generated always as identity primary key,
    profile_key_a text not null,
    profile_key_b text not null,
    probability real not null,
    evidence text not null,
    status text not null default 'open' check (status in ('open', 'accepted', 'rejected')),
    opened_at timestamptz not null,
    decided_by text,
    decided_at timestamptz,
    unique (profile_key_a, profile_key_b),
    check ((status = 'open') = (decided_at is null))
);

-- Grain: one row a pair of profiles on which a person's word stands; every run obeys it, before any rule.
-- applied_at is null until a run has worked it in.
create table identity.decisions (
    profile_key_a text not null,
    profile_key_b text not null,
    is_same boolean not null,
    reason text not null,
    decided_by text not null,
    decided_at timestamptz not null,
    applied_at timestamptz,
    primary key (profile_key_a, profile_key_b),
    check (profile_key_a < profile_key_b)
);
create index on identity.decisions (profile_key_b);

-- Grain: one row a model of likeness; the newest one scores. It holds weights, no names.
create table identity.match_models (
    model_id bigint generated always as identity primary key,
    rules_version text not null,
    profiles integer not null,
    model jsonb not null,
    trained_at timestamptz not null
);

-- Grain: one row a run and what it worked on.
create table identity.runs (
    run_id bigint generated always as identity primary key,
    as_of timestamptz not null,
    rules_version text not null,
    profiles integer not null,
    changed_profiles integer not null,
    scored_pairs integer not null,
    clustered_profiles integer not null,
    note text not null,
    finished_at timestamptz not null default clock_timestamp()
);
