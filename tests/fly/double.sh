# Sourced by what runs inside the booted image: a model double that says what it is told, and a
# gateway that is ready.

say() { echo "scenario: $*"; }
fail() { say "FAILED: $*"; hardshell status || true; exit 1; }
# until_true COMMAND…: asked ten times a second, two minutes at most.
until_true() {
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 1200 ] || fail "waited in vain for: $*"
    sleep 0.1
  done
}
answers() { [ "$(hardshell agent -m "$1" 2>/dev/null)" = "You said: $1" ]; }
model_runs() {
  for process in /proc/[0-9]*; do
    read -r name <"$process/comm" 2>/dev/null && [ "$name" = model_double ] && return
  done
  return 1
}

model_runs || { tail -f /dev/null 2>/dev/null | /test/model_double --echo --port 4010 >/dev/null 2>&1 & }
until_true hardshell health
