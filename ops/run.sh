#!/usr/bin/env bash
# Builds Hardshell and runs the gateway with what is there: no key and no configuration needed.
# Prints the page's address and token. Ctrl-C ends it.
#   ops/run.sh [options of `hardshell gateway`]
set -euo pipefail
cd "$(dirname "$0")/.."

ops/build.sh release
port=${OPENCLAW_GATEWAY_PORT:-18789}
for ((i = 1; i <= $#; i++)); do
  case ${!i} in
    --port=*) port=${!i#--port=} ;;
    --port) next=$((i + 1)) && port=${!next:-$port} ;;
  esac
done
hardshell=$PWD/build/release/hardshell

# Tells the owner where to go once the gateway answers; ends by itself after a minute.
announce() {
  for _ in $(seq 1 600); do
    if curl -sf -o /dev/null "http://127.0.0.1:$port/startupz"; then
      echo
      echo "  The assistant's page:  $("$hardshell" dashboard --no-open)"
      echo "  From a second shell:   $hardshell agent -m \"hello\""
      echo
      return
    fi
    sleep 0.1
  done
}
announce &
exec "$hardshell" gateway --allow-unconfigured --port "$port" "$@"
