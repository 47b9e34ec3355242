#!/usr/bin/env bash
# Takes a copy of everything Hardshell keeps, while it runs, and stores it encrypted.
#   RESTIC_PASSWORD=… ops/backup.sh REPOSITORY [STATE_DIRECTORY]
#
# REPOSITORY is what restic calls one: a directory, s3:https://host/bucket/path, sftp:host:path, …
# (credentials as restic reads them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY). It is made when it is
# not there. STATE_DIRECTORY: OPENCLAW_STATE_DIR, else ~/.openclaw.
#
# The SQLite databases are copied by SQLite's own online backup, and first: a transcript may then
# hold an answer that the journal does not know of yet, never the other way round, and the agent makes
# up the difference as after a crash. Every file is listed with its checksum in MANIFEST, beside the
# copy. Room for one more copy of the state is needed under TMPDIR (/tmp) meanwhile. Copies are
# thinned out by `restic forget --group-by host,tags --keep-daily 7 --prune`: each has a path of its
# own. Whose they are: HARDSHELL_BACKUP_HOST, else the app on Fly, else the host's name.
set -euo pipefail

usage() { sed -n '3p' "$0" | cut -c3- >&2; exit 2; }
[ $# -ge 1 ] && [ $# -le 2 ] || usage
repository=$1
state=${2:-${OPENCLAW_STATE_DIR:-$HOME/.openclaw}}
fail() { echo "backup: $*" >&2; exit 1; }

for tool in restic sqlite3; do
  command -v "$tool" >/dev/null || fail "$tool is not installed; apt-get install $tool"
done
[ -d "$state" ] || fail "$state is not a directory; name the state directory"
state=$(realpath -- "$state")  # a link to the volume is as good as the volume
[ -n "${RESTIC_PASSWORD:-}${RESTIC_PASSWORD_FILE:-}${RESTIC_PASSWORD_COMMAND:-}" ] ||
  fail "RESTIC_PASSWORD is not set; without it nobody can read the copy, so keep it elsewhere"
case $repository in
  *:*) ;;  # not a directory here
  *)
    case $(realpath -m -- "$repository") in
      "$state" | "$state"/*)
        fail "$repository lies in $state: it would be lost with it, and each copy would hold the others" ;;
    esac ;;
esac

config=${OPENCLAW_CONFIG_PATH:-$state/openclaw.json}
case $(realpath -m -- "$config") in
  "$state"/*) ;;
  *) echo "backup: $config does not lie in $state and is not copied; keep a copy of your own" >&2 ;;
esac

export GOGC=${GOGC:-20}  # restic in 70 MB instead of 97: on a small machine it is beside the workers
umask 077
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
copy=$stage/state
mkdir "$copy"

# Databases first, see above. Only Hardshell's own: what the workspace holds is files like others.
databases=$stage/databases
touch "$databases"
[ ! -d "$state/hardshell" ] ||
  find "$state/hardshell" -xdev -name '*.sqlite' -type f -print0 >"$databases" ||
  fail "not everything in $state can be read; run it as root or as the gateway's user"
while IFS= read -r -d '' database; do
  name=${database#"$state"/}
  mkdir -p "$copy/$(dirname "$name")"
  sqlite3 "$database" ".timeout 10000" ".backup '$copy/$name'" ||
    fail "$database could not be copied"
  [ "$(sqlite3 "$copy/$name" 'PRAGMA integrity_check')" = ok ] || fail "$database is damaged"
  chmod --reference="$database" "$copy/$name"
  [ "$(id -u)" -ne 0 ] || chown --reference="$database" "$copy/$name"
done <"$databases"

# Then the rest. A file that changed or went away meanwhile is no error (tar ends with 1), one that
# cannot be read is; locks are of no use, nor is what `restore.sh --aside` has put aside.
read_end=0 write_end=0
tar -C "$state" --one-file-system --anchored --exclude='./lost+found' --exclude='./before-restore' \
  --exclude='./hardshell/*.sqlite' --exclude='./hardshell/*.sqlite-wal' \
  --exclude='./hardshell/*.sqlite-shm' --exclude='./hardshell/*.lock' \
  --exclude='./agents/*.lock' --exclude='./*.json.lock' \
  --warning=no-file-changed --warning=no-file-removed -cf - . |
  tar -C "$copy" -xf - || { ends=("${PIPESTATUS[@]}") read_end=${ends[0]} write_end=${ends[1]}; }
[ "$read_end" -le 1 ] || fail "not everything in $state can be read; see the line above"
[ "$write_end" -eq 0 ] || fail "no room for a copy under ${TMPDIR:-/tmp}? See the line above"

(cd "$copy" && find . -type f -print0 | sort -z | xargs -0 -r sha256sum) >"$stage/MANIFEST"
[ -s "$stage/MANIFEST" ] || fail "there is no file in $state; name the state directory"
rm "$databases"

why=$(restic --repo "$repository" cat config 2>&1 >/dev/null) ||
  restic --repo "$repository" init >/dev/null ||
  fail "$repository cannot be made, see the line above, nor opened: $why"
restic --repo "$repository" backup --quiet --tag hardshell \
  --host "${HARDSHELL_BACKUP_HOST:-${FLY_APP_NAME:-$(hostname)}}" "$stage"
echo "backup: $(wc -l <"$stage/MANIFEST") files, $(du -sh "$copy" | cut -f1), in $repository"
