#!/bin/sh
# First start only: one owner and one database each for the warehouse and for Airflow. Neither owner is a superuser.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set warehouse_password="$RAPPORT_DATABASE_PASSWORD" --set airflow_password="$AIRFLOW_DATABASE_PASSWORD" <<'SQL'
-- createrole: the migrations make one role for each writer.
create role rapport login createrole password :'warehouse_password';
-- From Postgres 16 on, who makes a role may take it on only if it said so beforehand.
alter role rapport set createrole_self_grant = 'set, inherit';
create database rapport owner rapport;
create role airflow login password :'airflow_password';
create database airflow owner airflow;
revoke connect on database rapport from public;
revoke connect on database airflow from public;
SQL
