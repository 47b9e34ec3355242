#!/usr/bin/env bash
# Runs tests that mostly wait, several at once: together.sh <program> <filter> <how many at once>
# Ends with 1 when one of them failed, after the output of all.
set -euo pipefail
program=$1 filter=$2 parts=$3
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
pids=()
for ((part = 0; part < parts; part++)); do
  GTEST_TOTAL_SHARDS=$parts GTEST_SHARD_INDEX=$part "$program" --gtest_filter="$filter" \
    >"$output/$part" 2>&1 &
  pids+=($!)
done
failed=0
for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
cat "$output"/*
exit $failed
