#!/bin/sh
# As much of the official image's entrypoint as deploy/compose.yaml uses.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
	initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" \
		--auth-local trust --auth-host scram-sha-256 --encoding UTF8 --locale C.UTF-8
	echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
	echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA" postgres
fi
exec "$@" -c 'listen_addresses=*'
