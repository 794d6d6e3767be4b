#!/bin/sh
# Makes the secrets of deploy/compose.yaml, each a random one, in deploy/secrets (or the directory that is named). What is
# there stays: run it again after an upgrade, for what is new. Containers read the files as users of their own, so that
# everybody may read them; nobody but you may enter the directory.
set -eu
umask 022
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
cd "$folder"

random() { od -An -tx1 -N24 /dev/urandom | tr -d ' \n'; }
put() { [ -e "$1" ] || printf '%s\n' "$2" >"$1"; }

for name in api_keys postgres_password rabbitmq_password redis_password erlang_cookie s3_secret_key grafana_password; do
	put "$name" "$(random)"
done
put s3_access_key cordwood
put store_url "postgresql://cordwood:$(cat postgres_password)@postgres/cordwood"
put broker_url "amqp://cordwood:$(cat rabbitmq_password)@${BROKER_HOSTS:-rabbitmq}/"
put cache_url "redis://:$(cat redis_password)@redis/0"
put rabbitmq.conf "default_user = cordwood
default_pass = $(cat rabbitmq_password)"
# It keeps answers, limits and what is on its way to live tails: nothing that a restart may not forget.
put redis.conf "requirepass $(cat redis_password)
save \"\"
appendonly no
dir /tmp
maxmemory 256mb
maxmemory-policy allkeys-lru"
chmod 444 ./*
echo "The secrets are in $(pwd); the API key is in api_keys."
