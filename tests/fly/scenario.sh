#!/bin/sh
# Runs inside the booted image, beside the gateway: it becomes ready, answers, survives that a
# worker is killed for memory, and answers again. Each step is a line `scenario: …`; the last one is
# "scenario: done".
set -eu

worker_pid() {
  for process in /proc/[0-9]*; do
    read -r name <"$process/comm" 2>/dev/null || continue
    [ "$name" = "$1" ] && echo "${process#/proc/}" && return
  done
  return 1
}

# The directory of a process's memory group, from the numbers in /proc.
memory_group() {
  while IFS=: read -r _ controllers path; do
    case ",$controllers," in
      *,memory,*) echo "/sys/fs/cgroup/memory$path"; return ;;
      ,,) [ -f "/sys/fs/cgroup$path/memory.max" ] && echo "/sys/fs/cgroup$path" && return ;;
    esac
  done <"/proc/$1/cgroup"
  return 1
}

# Leaves the agent what it has and asks it for more, until the kernel ends it. (A program that fills
# the group would need the right to refuse its own end.)
another_agent() { now=$(worker_pid agent) && [ "$now" != "$agent" ]; }
run_out_of_memory() {
  text=$(head -c 60000 /dev/zero | tr '\0' x)
  tries=0
  while [ "$(worker_pid agent)" = "$agent" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || fail "the agent lives on $(cat "$1"/memory.current "$1"/memory.usage_in_bytes 2>/dev/null) bytes"
    if [ -f "$1/memory.max" ]; then
      cat "$1/memory.current" >"$1/memory.max"
    else
      cat "$1/memory.usage_in_bytes" >"$1/memory.limit_in_bytes"
    fi 2>/dev/null || true
    hardshell agent -m "$tries $text" >/dev/null 2>&1 || true
  done
}

. /test/double.sh
say "ready $(cut -d" " -f1 /proc/uptime) s after the machine began"
until_true answers "one"
say "answered"

agent=$(worker_pid agent) || fail "no agent"
if group=$(memory_group "$agent") && [ "$group" != /sys/fs/cgroup/memory/ ]; then
  say "limit of the agent's group $(cat "$group"/memory.max "$group"/memory.limit_in_bytes 2>/dev/null)"
  run_out_of_memory "$group"
else
  say "no memory groups: killed instead"
  kill -9 "$agent"
fi
until_true another_agent
until_true answers "two"
say "answered after the agent's death"

# A copy of what is there, and back into an empty directory, with the image's own programs.
export RESTIC_PASSWORD=password-of-the-test HOME=/tmp
hardshell-backup /tmp/copies /data || fail "no copy was taken"
hardshell-restore /tmp/copies /tmp/restored || fail "the copy was not put back"
[ -s /tmp/restored/hardshell/agent/state.sqlite ] || fail "the copy holds no database"
rm -rf /tmp/copies /tmp/restored
until_true answers "three"
say "copied and put back"
hardshell status
hardshell doctor --fly || true
say "done"
