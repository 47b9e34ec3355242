#!/bin/sh
# Builds the release programs with the benchmarks and prints the table. See tests/bench/README.md.
set -eu
cd "$(dirname "$0")/.."
cmake --preset bench >/dev/null
cmake --build build/bench --target hardshell supervisor planner gateway agent tools discord telegram \
  voice tunnel ngrok_double gateway_bench turns_bench channels_bench rpc_bench >&2
export HARDSHELL_BUILD="$PWD/build/bench"
build/bench/tests/bench/gateway_bench
echo
build/bench/tests/bench/turns_bench
echo
build/bench/tests/bench/channels_bench
echo
exec build/bench/tests/bench/rpc_bench
