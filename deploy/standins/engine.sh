#!/usr/bin/env bash
# A container engine for checks on a machine that runs none:   engine.sh start | stop | status | why
#
# An engine that answers already is used as it is, and never stopped. Else, as root and with Debian's docker.io,
# one of our own is started: own socket, own data folder ($ENGINE_STATE, by default .engine/ of the checkout).
# $ENGINE_STATE/env then says DOCKER_HOST for the Makefile and the tests.
# why: prints the reason why none can be started here, and nothing where one can.
# Exit codes: 0 an engine answers; 3 none can run here, with the reason in one line; 1 one should, and does not.
set -uo pipefail
cd "$(dirname "$0")/../.."
STATE=${ENGINE_STATE:-$PWD/.engine}
SOCKET=unix://$STATE/docker.sock
NEEDED_MIB=4000
CAP_NET_ADMIN=12
CAP_SYS_ADMIN=21

say() { echo "engine: $*"; }

version_at() { # DOCKER_HOST -> its version; fails when nothing answers there
  command -v docker >/dev/null || return 1
  DOCKER_HOST=$1 timeout 5 docker version --format '{{.Server.Version}}' 2>/dev/null
}

ours() { # pid -> whether it is our engine; `kill -0` would also say yes to a zombie and to a reused number
  [ -r "/proc/${1:-none}/cmdline" ] && tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q "^dockerd .*$STATE"
}

has_capability() {
  local effective
  effective=$(awk '/^CapEff/ {print $2}' /proc/self/status)
  ((0x$effective >> $1 & 1))
}

why_not() { # prints the reason why none can be started here; nothing when one can
  [ "$(id -u)" = 0 ] || { echo "no engine answers, and only root may start one"; return; }
  has_capability $CAP_SYS_ADMIN || { echo "no engine answers, and CAP_SYS_ADMIN is missing to start one"; return; }
  has_capability $CAP_NET_ADMIN || { echo "no engine answers, and CAP_NET_ADMIN is missing to start one"; return; }
  command -v dockerd >/dev/null || { echo "no engine answers, and dockerd is not installed (Debian: docker.io)"; return; }
  command -v iptables >/dev/null || { echo "iptables is not installed"; return; }
  grep -q cgroup /proc/mounts || { echo "cgroups are not mounted"; return; }
  local free
  free=$(df -Pm "$STATE" | awk 'NR == 2 {print $4}')
  [ "$free" -ge $NEEDED_MIB ] || echo "only $free MiB are free, and an engine with the images needs $NEEDED_MIB"
}

remember() { # DOCKER_HOST -> keeps it for the Makefile and the tests, beside what make.sh wrote
  touch "$STATE/env"
  { grep -v '^DOCKER_HOST=' "$STATE/env"; echo "DOCKER_HOST=$1"; } >"$STATE/env.new"
  mv "$STATE/env.new" "$STATE/env"
}

forget() {
  [ ! -f "$STATE/env" ] || sed -i '/^DOCKER_HOST=/d' "$STATE/env"
}

start() {
  mkdir -p "$STATE"
  local found elsewhere reason
  if found=$(version_at "$SOCKET"); then
    remember "$SOCKET"; say "our own $found is up"; return 0
  fi
  elsewhere=${DOCKER_HOST:-unix:///var/run/docker.sock}
  if found=$(version_at "$elsewhere"); then
    remember "$elsewhere"; say "using the running $found at $elsewhere"; return 0
  fi
  reason=$(why_not)
  [ -z "$reason" ] || { say "not here: $reason"; return 3; }
  if [ -f "$STATE/pid" ] && ! ours "$(cat "$STATE/pid")"; then
    # of one that was killed: its pid files would make the next wait for a containerd that is gone
    say "clearing up after an engine that was killed"
    rm -f "$STATE/pid" "$STATE/docker.sock" "$STATE"/exec/containerd/*.{pid,sock,ttrpc}
  fi
  # --ip: what is published without an address is published on the loopback only
  setsid dockerd --ip 127.0.0.1 -H "$SOCKET" --data-root "$STATE/data" --exec-root "$STATE/exec" \
    --pidfile "$STATE/pid" >"$STATE/log" 2>&1 </dev/null &
  local child=$! tries
  for tries in $(seq 150); do
    if found=$(version_at "$SOCKET"); then
      remember "$SOCKET"; say "our own $found started"; return 0
    fi
    [ "$tries" -lt 5 ] || ours $child || break
    sleep 0.2
  done
  say "dockerd ended or is silent; its last words:"
  tail -15 "$STATE/log"
  return 1
}

stop() {
  local pid
  pid=$(cat "$STATE/pid" 2>/dev/null)
  forget
  ours "$pid" || { say "none of ours runs"; rm -f "$STATE/pid"; return 0; }
  kill "$pid"
  for _ in $(seq 150); do
    ours "$pid" || { say "stopped"; return 0; }
    sleep 0.2
  done
  say "pid $pid does not end"
  return 1
}

status() {
  local found host
  host=$(sed -n 's/^DOCKER_HOST=//p' "$STATE/env" 2>/dev/null)
  found=$(version_at "${host:-$SOCKET}") || { say "down"; return 3; }
  say "$found answers at ${host:-$SOCKET}"
}

case ${1:-} in
  start | stop | status) "$1" ;;
  why) mkdir -p "$STATE"; why_not ;;
  *) sed -n '2,9p' deploy/standins/engine.sh; exit 2 ;;
esac
