#!/usr/bin/env bash
# Installs, builds and passes all tests: what a change must pass.
#   ops/test.sh [ctest arguments, for example -R Gateway]
#
# Everything runs with the address and undefined-behaviour sanitizers; each fuzz target runs for
# HARDSHELL_FUZZ_SECONDS (10); the release build is built and answers one message.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/packages.sh

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # a clone elsewhere finds the same objects
step() { printf '\n== %s\n' "$*"; }

step "packages"
install_packages "${test_packages[@]}"
(cd tests/journeys/page && npm ci --no-audit --no-fund --loglevel=error)

step "build with sanitizers"
cmake --preset dev >/dev/null
cmake --build build/dev

step "tests"
rm -rf build/dev/fault_report
ctest --preset dev --timeout 300 "$@"
[ $# -gt 0 ] && exit 0

step "faults: what was tried and what held"
tests/faults/report.sh build/dev

step "fuzz targets"
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
for target in build/fuzz/fuzz/*_fuzz; do
  name=$(basename "$target" _fuzz)
  corpus=build/fuzz/corpus/$name
  mkdir -p "$corpus"
  seeds=()
  [ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
  echo "$name for ${HARDSHELL_FUZZ_SECONDS:-10} s"
  "$target" -max_total_time="${HARDSHELL_FUZZ_SECONDS:-10}" -timeout=5 -rss_limit_mb=1024 \
    -print_final_stats=0 -verbosity=0 -artifact_prefix="build/fuzz/$name-" "$corpus" "${seeds[@]}"
done

step "release build"
ops/build.sh release
ops/smoke.sh build/release

step "all tests passed"
