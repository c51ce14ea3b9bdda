#!/bin/sh
# Brings both databases to this version and makes the first administrator. May run any number of times.
set -eu
rapport db migrate
airflow db migrate
if ! airflow users list --output plain | awk '{ print $2 }' | grep -qx "$AIRFLOW_ADMIN_USER"; then
    airflow users create --role Admin --username "$AIRFLOW_ADMIN_USER" --password "$AIRFLOW_ADMIN_PASSWORD" \
        --firstname Airflow --lastname Administrator --email "$AIRFLOW_ADMIN_EMAIL"
fi
