-- One writer per schema. Roles are NOLOGIN: the login user that runs Rapport is a member of each and takes one on per connection.
do $$
declare
    name text;
begin
    foreach name in array array['loader', 'transformer', 'engine', 'gateway', 'bi_reader'] loop
        -- Roles belong to the whole server, so two databases on it may race to create them.
        begin
            execute format('create role %I nologin', name);
        exception when duplicate_object or unique_violation then null;
        end;
        if not pg_has_role(current_user, name, 'member') then
            execute format('grant %I to current_user', name);
        end if;
    end loop;
    execute format('grant create, temporary on database %I to loader, transformer', current_database());
end
$$;

create schema landing authorization loader;
create schema raw_files authorization loader;
create schema raw_shopify authorization loader;
create schema raw_zendesk authorization loader;
create schema raw_bluesky authorization loader;
create schema identity authorization transformer;
create schema ops;

do $$
declare
    layer text;
begin
    foreach layer in array array['staging', 'intermediate', 'marts', 'segments', 'activation'] loop
        execute format('create schema %I authorization transformer', layer);
    end loop;
end
$$;

grant usage on schema landing, raw_files, raw_shopify, raw_zendesk, raw_bluesky to transformer, engine;
grant usage on schema staging, intermediate, marts, segments, activation, identity to engine;
grant usage on schema ops to engine, gateway, transformer;
grant usage on schema marts, segments to bi_reader;

alter default privileges for role loader in schema landing, raw_files, raw_shopify, raw_zendesk, raw_bluesky
grant select on tables to transformer, engine;
alter default privileges for role transformer
in schema staging, intermediate, marts, segments, activation, identity
grant select on tables to engine;
alter default privileges for role transformer in schema segments grant select on tables to bi_reader;
alter default privileges in schema ops grant select on tables to transformer;
alter default privileges in schema ops grant select, insert, update, delete on tables to engine;
alter default privileges in schema ops grant usage on sequences to engine, gateway;
