#!/usr/bin/env bash
# `docker compose`, with the engine and the images that .engine/env names. Where docker has no compose, one is fetched
# once, checked by its checksum (Linux x86-64). Exit code 3: there is none, with the reason in one line.
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
STATE=${ENGINE_STATE:-$TOP/.engine}
PYTHON=${PYTHON:-$TOP/.venv/bin/python}
SUM=dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372
OWN=$STATE/compose/docker-compose

fetch() {
  local work
  [ "$(uname -sm)" = 'Linux x86_64' ] || { echo "compose: not here: docker has none, and ours is for Linux x86-64"; exit 3; }
  mkdir -p "$STATE/compose"
  work=$(mktemp -d "$STATE/compose/part-XXXX")
  trap 'rm -rf "$work"' EXIT
  "$PYTHON" -m pip download --quiet --no-deps --no-binary :all: --require-hashes \
    -d "$work" -r "$TOP/requirements/compose.txt" >"$work/log" 2>&1 ||
    { tail -3 "$work/log"; echo "compose: not here: docker has none, and ours cannot be fetched"; exit 3; }
  tar -xzf "$work"/*.tar.gz -C "$work" --wildcards --strip-components=3 '*/src/compose/docker-compose'
  echo "$SUM  $work/docker-compose" | sha256sum --check --quiet
  chmod 0755 "$work/docker-compose"
  mv "$work/docker-compose" "$OWN"
}

# What the caller's environment names wins over what is remembered.
if [ -f "$STATE/env" ]; then
  while IFS='=' read -r name value; do
    [ -n "${!name-}" ] || export "$name=$value"
  done <"$STATE/env"
fi
if docker compose version >/dev/null 2>&1; then
  exec docker compose --project-directory "$TOP" -f "$TOP/docker-compose.yml" "$@"
fi
[ -x "$OWN" ] || fetch
exec "$OWN" --project-directory "$TOP" -f "$TOP/docker-compose.yml" "$@"
