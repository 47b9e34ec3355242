#!/usr/bin/env bash
# Installs, builds and passes all tests: what a change must pass.
#   ops/test.sh [ctest arguments, for example -R Gateway]
#   ops/test.sh --machine      only what takes long: the image compiled as a host of containers does,
#                              once more to compare the two, booted in a virtual machine as on Fly,
#                              and 1,000 turns in 256 MB
#   ops/test.sh --stock        only OpenClaw's own command line and Control UI, of the npm registry
#                              (600 MB), against the programs built here
#
# Everything runs with the address and undefined-behaviour sanitizers; each fuzz target runs for
# HARDSHELL_FUZZ_SECONDS (10); the release build is built and answers one message.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/packages.sh

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # a clone elsewhere finds the same objects
step() { printf '\n== %s\n' "$*"; }

if [ "${1:-}" = --machine ]; then
  step "packages"
  install_packages "${test_packages[@]}" "${machine_packages[@]}"
  step "image, compiled in its own stage"
  tests/fly/build_image.sh build/fly --whole
  step "image in a container, then in a virtual machine"
  tests/fly/boot_test.py container build/fly
  step "the same image once more"
  tests/fly/build_image.sh build/fly_again --whole
  compared=0
  tests/fly/reproduced.py build/fly build/fly_again || compared=$?
  step "virtual machines"
  cmake --preset dev >/dev/null
  ctest --preset machine
  [ "$compared" -eq 0 ] || echo "the two images are not the same, see above" >&2
  exit "$compared"
fi

if [ "${1:-}" = --stock ]; then
  step "packages"
  install_packages "${test_packages[@]}"
  for folder in tests/journeys/page tests/journeys/stock; do
    (cd $folder && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
  done
  step "build with sanitizers"
  cmake --preset dev >/dev/null
  cmake --build build/dev
  step "stock clients"
  exec ctest --preset dev -R '^stock_'
fi

step "packages"
install_packages "${test_packages[@]}"
for folder in workers/gateway/page tests/journeys/page tests/fly/dockerfile; do
  (cd $folder && npm ci --no-audit --no-fund --loglevel=error)
done
# Clients as their users have them; only when what is there is older.
is_installed() { [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ]; }
for folder in tests/journeys/{clients,openai,providers,telegram,discord,voice}; do
  is_installed "$folder" && continue
  (cd "$folder" && npm ping --loglevel=silent >/dev/null 2>&1) || {
    echo "the npm registry cannot be reached: $folder is skipped"
    continue
  }
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
done

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
printf '%s\n' build/fuzz/fuzz/*_fuzz | xargs -P "$(nproc)" -n 1 tests/fuzz/run.sh

step "release build"
ops/build.sh release
ops/smoke.sh build/release

step "image: built of these programs, booted in a container of 256 MB"
if [ "$(id -u)" -eq 0 ] && unshare --mount --pid --fork mount -t tmpfs none /mnt 2>/dev/null; then
  tests/fly/build_image.sh build/fly
  tests/fly/boot_test.py container build/fly
else
  echo "left out: it needs root and the right to mount"
fi

step "all tests passed"
