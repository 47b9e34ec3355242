#!/usr/bin/env bash
# Copies a release build to where it is to run, stripped, with the list of Debian packages whose
# libraries it needs (share/hardshell/packages).
#   ops/install.sh build/release /usr/local
set -euo pipefail
build=$(realpath "$1")
prefix=$2

mkdir -p "$prefix/bin" "$prefix/libexec/hardshell" "$prefix/share/hardshell"
install -s -m 755 "$build/hardshell" "$prefix/bin/hardshell"
ln -sf hardshell "$prefix/bin/openclaw"
for program in "$build"/libexec/hardshell/*; do
  install -s -m 755 "$program" "$prefix/libexec/hardshell/"
done

here=$(cd "$(dirname "$0")" && pwd)
install -m 755 "$here/backup.sh" "$prefix/bin/hardshell-backup"
install -m 755 "$here/restore.sh" "$prefix/bin/hardshell-restore"

# Which package each library came from; libraries that programs load by name are listed by hand.
loaded_by_name=(libcurl4 libdate-tz3 tzdata libwebsockets-evlib-uv)
run_by_name=(restic sqlite3)  # hardshell-backup
libraries() {
  for program in "$build/hardshell" "$build"/libexec/hardshell/*; do
    ldd "$program" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 }'
  done | sort -u
}
{
  printf '%s\n' "${loaded_by_name[@]}" "${run_by_name[@]}"
  for library in $(libraries); do
    # Debian 12 has /lib as a link to /usr/lib, and dpkg knows some files by either name.
    dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "$(realpath "$library")" 2>/dev/null ||
      dpkg-query -S "/usr$library"
  done | cut -d: -f1
} | sort -u >"$prefix/share/hardshell/packages"
