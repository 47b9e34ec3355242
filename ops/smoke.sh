#!/usr/bin/env bash
# Starts a build's gateway with nothing configured, asks the assistant once, stops it.
#   ops/smoke.sh build/release
set -euo pipefail
hardshell=$(realpath "$1")/hardshell
scratch=$(mktemp -d)
chmod 755 "$scratch"
export OPENCLAW_STATE_DIR=$scratch/state HARDSHELL_RUN_DIR=$scratch/run
export OPENCLAW_GATEWAY_PORT=$((20000 + RANDOM % 20000))
gateway=
finish() {
  if [ -n "$gateway" ] && kill -0 "$gateway" 2>/dev/null; then kill -9 "$gateway" || true; fi
  rm -rf "$scratch"
}
trap finish EXIT

"$hardshell" gateway --allow-unconfigured >"$scratch/log" 2>&1 &
gateway=$!
for _ in $(seq 1 100); do
  curl -sf -o /dev/null "http://127.0.0.1:$OPENCLAW_GATEWAY_PORT/startupz" && break
  sleep 0.05
done
answer=$("$hardshell" agent -m "hello") || { cat "$scratch/log"; exit 1; }
echo "asked: hello"
echo "answered: $answer"
[ -n "$answer" ]
# A worker that is asked to end does so by itself.
"$hardshell" restart agent
"$hardshell" restart gateway
for _ in $(seq 1 100); do
  curl -sf -o /dev/null "http://127.0.0.1:$OPENCLAW_GATEWAY_PORT/readyz" && break
  sleep 0.05
done
status=$("$hardshell" status)
if grep -q "killed by" <<<"$status"; then echo "$status"; cat "$scratch/log"; exit 1; fi
kill -TERM "$gateway"
wait "$gateway"
gateway=
