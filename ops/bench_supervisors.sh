#!/usr/bin/env bash
# Measures our supervisor beside s6, runit, supervisord and tini. See tests/bench/README.md.
#   ops/bench_supervisors.sh [--only hardshell,s6] [--rows log] [--kills 100]
#
# Needs root, for pid namespaces; installs the others from Debian where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/packages.sh
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
install_packages s6 runit supervisor tini >&2
cmake --preset bench >/dev/null
cmake --build build/bench --target log_bench supervision_child fault_supervisor fault_planner >&2
build/bench/tests/bench/log_bench
exec python3 tests/bench/supervision_bench.py build/bench "$@"
