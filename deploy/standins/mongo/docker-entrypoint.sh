#!/bin/bash
# What a stack uses of the official entrypoint: root is given up, the first start makes the root user
# (MONGO_INITDB_ROOT_USERNAME and _PASSWORD, or each as _FILE), and with one authentication is on.
set -euo pipefail
[[ ${1:-} != -* ]] || set -- mongod "$@"
if [[ ${1:-} == mongo* ]] && [ "$(id -u)" = 0 ]; then
  find /data/db /data/configdb ! -user mongodb -exec chown mongodb:mongodb {} +
  exec setpriv --reuid=mongodb --regid=mongodb --init-groups "$0" "$@"
fi
[ "${1:-}" = mongod ] || exec "$@"

for name in MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD; do
  file=${name}_FILE
  [ -z "${!file-}" ] || export "$name=$(<"${!file}")"
done
user=${MONGO_INITDB_ROOT_USERNAME-} password=${MONGO_INITDB_ROOT_PASSWORD-}
if [ -n "$user$password" ] && { [ -z "$user" ] || [ -z "$password" ]; }; then
  echo "stand-in: MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD belong together" >&2
  exit 1
fi
if [ -n "$user" ] && [ ! -e /data/db/WiredTiger ]; then
  # as in the official image: first alone on the loopback and without authentication
  mongod --dbpath /data/db --bind_ip 127.0.0.1 --fork --logpath /tmp/first.log --pidfilepath /tmp/first.pid
  /opt/standin/bin/python - <<'PYTHON'
import os

import pymongo

pymongo.MongoClient("127.0.0.1").admin.command(
    "createUser",
    os.environ["MONGO_INITDB_ROOT_USERNAME"],
    pwd=os.environ["MONGO_INITDB_ROOT_PASSWORD"],
    roles=["root"],
)
PYTHON
  mongod --dbpath /data/db --shutdown
fi
[ -z "$user" ] || [[ " $* " == *" --auth "* ]] || set -- "$@" --auth
[[ " $* " == *" --bind_ip"* ]] || set -- "$@" --bind_ip_all
unset MONGO_INITDB_ROOT_USERNAME MONGO_INITDB_ROOT_PASSWORD password user
exec "$@"
