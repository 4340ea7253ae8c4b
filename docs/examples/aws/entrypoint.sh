#!/bin/sh
# Puts the secrets that the task was given into files for their owner alone, takes them out of the
# environment, and becomes casebook. So no process list or dump of the environment shows them.
set -eu
umask 077

secrets=$(mktemp -d)
# In a password file colons and backslashes stand behind a backslash.
password=$(printf '%s' "$CASEBOOK_BUILDER_PASSWORD" | sed 's/[\\:]/\\&/g')
printf '*:*:*:casebook_builder:%s\n' "$password" > "$secrets/pgpass"
printf '%s\n' "$CASEBOOK_PSEUDONYM_KEY" > "$secrets/pseudonym.key"
unset CASEBOOK_BUILDER_PASSWORD CASEBOOK_PSEUDONYM_KEY

export CASEBOOK_PSEUDONYM_KEY_FILE="$secrets/pseudonym.key"
export CASEBOOK_DATABASE_URL="$CASEBOOK_DATABASE_URL&passfile=$secrets/pgpass"
if [ -n "${CASEBOOK_REPORTING_URL:-}" ]; then
    export CASEBOOK_REPORTING_URL="$CASEBOOK_REPORTING_URL&passfile=$secrets/pgpass"
fi
exec casebook "$@"
