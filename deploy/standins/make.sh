#!/usr/bin/env bash
# Builds local stand-ins for the images that the stack takes from a registry; pulls no image. FORCE=1 builds anew.
#
# python, kafka, mongo, prometheus and alertmanager are real programs in another wrapping (README.md says what differs). They have
# names of their own, carry a label, may hold this network's certificates, and are never pushed.
# Exit codes: 0 built or there; 3 cannot be built here, with the reason in one line; 1 failed.
set -euo pipefail
cd "$(dirname "$0")"
TOP=$(cd ../.. && pwd)
STATE=${ENGINE_STATE:-$TOP/.engine}
WORK=$STATE/work
PYTHON=${PYTHON:-$TOP/.venv/bin/python}
SUITE=bookworm
export DOCKER_BUILDKIT=1
mkdir -p "$WORK"
[ ! -f "$STATE/env" ] || { set -a; . "$STATE/env"; set +a; }

# Another command line in the PATH may have no BuildKit; Debian's has.
docker() { if [ -x /usr/bin/docker ]; then /usr/bin/docker "$@"; else command docker "$@"; fi; }
not_here() { echo "stand-ins: not here: $*"; exit 3; }
there() { [ -z "${FORCE-}" ] && [ -n "$(docker image inspect -f '{{.Config.Labels.standin}}' "$1" 2>/dev/null)" ]; }

step() { # NAME COMMAND...: times it; its output is shown only when it fails
  local name=$1 began=$SECONDS
  shift
  # As a process of its own: in a function on the left of `||` the shell goes on after a failure.
  "$@" >"$WORK/$name.log" 2>&1 &
  wait $! || { echo "stand-ins: $name FAILED"; tail -25 "$WORK/$name.log"; return 1; }
  echo "stand-ins: $name $((SECONDS - began)) s"
}

base() { # Debian without anything, as one layer
  local root=$WORK/root mirror
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates "$SUITE" "$root"
  mirror=$(awk '$1 == "deb" {print $2; exit}' "$root/etc/apt/sources.list")
  printf "deb $mirror $SUITE main\ndeb $mirror $SUITE-updates main\ndeb $mirror-security $SUITE-security main\n" \
    >"$root/etc/apt/sources.list"
  # Certificate authorities that this machine's network needs: for the system and, apart from it, for pip.
  if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates
    printf '[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n' >"$root/etc/pip.conf"
  fi
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
    "$root"/usr/share/{doc,locale,man}/* "$root"/dev/*
  mkdir -p "$root/usr/share/man/man1" # a Java's installation wants it
  printf 'path-exclude /usr/share/%s/*\n' doc locale man >"$root/etc/dpkg/dpkg.cfg.d/slim"
  echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };' \
    >"$root/etc/apt/apt.conf.d/slim"
  tar -C "$root" -c . | docker import -c 'CMD ["bash"]' -c 'LABEL standin=base' - standin/base:$SUITE
  rm -rf "$root"
}

fetched() { # the jars and the mongod of the tests' own servers, checked against the same pins
  PYTHONPATH=$TOP/tests/support "$PYTHON" -c '
from aduan_servers import fetching
print(fetching.jars(), fetching.mongod())' >"$WORK/fetched"
  local jars mongod
  read -r jars mongod <"$WORK/fetched"
  rm -rf "$WORK/kafka" "$WORK/mongo"
  mkdir -p "$WORK/kafka/libs" "$WORK/mongo"
  cp kafka/* "$WORK/kafka/"
  ln "$jars"/*.jar "$WORK/kafka/libs/" 2>/dev/null || cp "$jars"/*.jar "$WORK/kafka/libs/"
  cp mongo/* "$WORK/mongo/"
  ln "$mongod" "$WORK/mongo/mongod" 2>/dev/null || cp "$mongod" "$WORK/mongo/mongod"
}

names() { # what the Makefile, compose and the tests take instead of the official images
  local name
  for name in "${!IMAGES[@]}"; do
    sed -i "/^$name=/d" "$STATE/env"
    echo "$name=${IMAGES[$name]}" >>"$STATE/env"
  done
}

declare -A IMAGES=(
  [PYTHON_IMAGE]=standin/python:3.11
  [KAFKA_IMAGE]=standin/kafka:4.2.0
  [MONGO_IMAGE]=standin/mongo:6.0
  [PROMETHEUS_IMAGE]=standin/prometheus:2.42
  [ALERTMANAGER_IMAGE]=standin/alertmanager:0.25
)
docker version >/dev/null 2>&1 || not_here "no container engine answers (deploy/standins/engine.sh start)"
touch "$STATE/env"
missing=
for image in "${IMAGES[@]}"; do there "$image" || missing=1; done
if [ -z "$missing" ]; then names; echo "stand-ins: all are there"; exit 0; fi
[ "$(id -u)" = 0 ] || not_here "debootstrap needs root"
command -v debootstrap >/dev/null || not_here "debootstrap is not installed"
[ -x "$PYTHON" ] || not_here "$PYTHON is missing (make install)"

if [ -n "${FORCE-}" ] || ! there standin/base:$SUITE; then
  step fetched fetched &
  fetching=$!
  step base base
  wait $fetching
else
  step fetched fetched
fi
step python docker build -t "${IMAGES[PYTHON_IMAGE]}" python
# Two at once: each waits for the network as long as it works.
step mongo docker build -t "${IMAGES[MONGO_IMAGE]}" --build-arg "BASE=${IMAGES[PYTHON_IMAGE]}" "$WORK/mongo" &
mongo=$!
step kafka docker build -t "${IMAGES[KAFKA_IMAGE]}" "$WORK/kafka"
wait $mongo
step prometheus docker build -t "${IMAGES[PROMETHEUS_IMAGE]}" prometheus
step alertmanager docker build -t "${IMAGES[ALERTMANAGER_IMAGE]}" alertmanager
rm -rf "$WORK/kafka" "$WORK/mongo"
names
echo "stand-ins: built in $SECONDS s"
docker images --filter label=standin --format 'stand-ins: {{.Repository}}:{{.Tag}} {{.Size}}'
