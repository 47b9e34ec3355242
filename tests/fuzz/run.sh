#!/usr/bin/env bash
# Runs one fuzz target for HARDSHELL_FUZZ_SECONDS (10): run.sh build/fuzz/fuzz/<name>_fuzz
# Ends with an error, after what the target said, when it found something; the input that did it
# is left at build/fuzz/<name>-*.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$1
name=$(basename "$target" _fuzz)
corpus=build/fuzz/corpus/$name
mkdir -p "$corpus"
seeds=()
[ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
if said=$("$target" -max_total_time="${HARDSHELL_FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=1024 \
  -print_final_stats=0 -verbosity=0 -artifact_prefix="build/fuzz/$name-" \
  "$corpus" "${seeds[@]}" 2>&1); then
  echo "$name found nothing in ${HARDSHELL_FUZZ_SECONDS:-10} s"
else
  printf '%s\n' "$said" "$name failed"
  exit 1
fi
