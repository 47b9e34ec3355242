#!/usr/bin/env bash
# Brings a copy made by ops/backup.sh into an empty state directory.
#   RESTIC_PASSWORD=… ops/restore.sh [--aside] REPOSITORY [STATE_DIRECTORY] [SNAPSHOT]
#
# STATE_DIRECTORY: OPENCLAW_STATE_DIR, else ~/.openclaw; it must be empty, so that nothing is
# overwritten. --aside: what is in it is moved into its directory before-restore first; nobody may
# write there meanwhile. SNAPSHOT: as `restic snapshots` names it, else the latest. Where several hosts
# share a repository it is that of HARDSHELL_BACKUP_HOST, else of the app on Fly; without either none is
# taken. Every file is compared with the checksum it had when the copy was made, and nothing is moved
# before all of them fit and no other is there.
set -euo pipefail

usage() { sed -n '3p' "$0" | cut -c3- >&2; exit 2; }
aside=
[ "${1:-}" != --aside ] || { aside=before-restore; shift; }
[ $# -ge 1 ] && [ $# -le 3 ] || usage
repository=$1
state=${2:-${OPENCLAW_STATE_DIR:-$HOME/.openclaw}}
snapshot=${3:-latest}
fail() { echo "restore: $*" >&2; exit 1; }

command -v restic >/dev/null || fail "restic is not installed; apt-get install restic"
mkdir -p "$state"
state=$(realpath -- "$state")
# The stock volume has a lost+found.
present() { find "$state" -mindepth 1 -maxdepth 1 ! -name lost+found ! -name .restoring "$@"; }
if [ -n "$aside" ]; then
  [ ! -e "$state/$aside" ] || fail "$state/$aside is there already; move it away first"
else
  [ -z "$(present -print -quit)" ] ||
    fail "$state is not empty; stop the gateway, then move its files away or restore with --aside"
fi

export GOGC=${GOGC:-20}  # as in backup.sh
host=${HARDSHELL_BACKUP_HOST:-}
if [ "$snapshot" = latest ] && [ -z "$host" ]; then
  known=$(restic --repo "$repository" snapshots --json --tag hardshell) ||
    fail "$repository gave no copy; see the line above"
  hosts=$(grep -o '"hostname":"[^"]*"' <<<"$known" | cut -d'"' -f4 | sort -u) || true
  case $hosts in
    *$'\n'*)  # of somebody else's it would be another assistant
      host=${FLY_APP_NAME:-}
      grep -qxF -- "${host:-none of them}" <<<"$hosts" ||
        fail "there are copies of several hosts; set HARDSHELL_BACKUP_HOST to one of: ${hosts//$'\n'/, }" ;;
  esac
fi

# Beside its last place, so that putting it there copies nothing.
incoming=$state/.restoring
rm -rf "$incoming"  # of a restore that was cut off
# Asked first: without room restic says so for every piece of every file.
chosen=("$snapshot")
[ "$snapshot" != latest ] || chosen+=(--tag hardshell ${host:+--host "$host"})
needed=$(restic --repo "$repository" stats "${chosen[@]}" --json |
  grep -o '"total_size":[0-9]*' | cut -d: -f2) || fail "$repository gave no copy; see the line above"
free=$(df --block-size=1 --output=avail -- "$state" | tail -1)
[ "$needed" -le "$free" ] ||
  fail "the copy has $((needed >> 20)) MiB and only $((free >> 20)) MiB are free in $state; make the volume larger, nothing was touched"
trap 'rm -rf "$incoming"' EXIT
mkdir -m 700 "$incoming"
restic --repo "$repository" restore "${chosen[@]}" --target "$incoming" >/dev/null ||
  fail "$repository gave no copy; see the line above"
# The copy was taken of a directory that restic knows by its path.
manifest=$(find "$incoming" -name MANIFEST -type f -printf '%d %p\n' | sort -n | head -1 | cut -d' ' -f2-)
[ -n "$manifest" ] || fail "the copy has no MANIFEST: it was not made by ops/backup.sh"
copy=$(dirname "$manifest")/state
# Every processor takes a part: with one alone this lasts as long as restic's work.
split --elide-empty-files --number="r/$(nproc)" "$manifest" "$incoming/part."
checks=() damaged=
for part in "$incoming"/part.*; do
  (cd "$copy" && exec sha256sum --quiet --strict --check "$part") &
  checks+=($!)
done
for check in "${checks[@]}"; do wait "$check" || damaged=yes; done
[ -z "$damaged" ] || fail "the copy is damaged, nothing was put in place"
files=$(wc -l <"$manifest")
present_files=$(find "$copy" -type f -printf x | wc -c)
[ "$present_files" -eq "$files" ] ||
  fail "the copy has $present_files files and a MANIFEST of $files, nothing was put in place"
if [ -n "$aside" ]; then
  mkdir -m 700 "$state/$aside"
  present ! -name "$aside" -exec mv -t "$state/$aside" {} +
fi
find "$copy" -mindepth 1 -maxdepth 1 -exec mv -n -t "$state" {} +
left=$(find "$copy" -mindepth 1 -maxdepth 1 -printf '%f ')
[ -z "$left" ] || fail "somebody wrote into $state meanwhile: $left is there already and was kept; stop the gateway and restore again"
sync -f "$state"
echo "restore: $files files are in $state; start the gateway"
