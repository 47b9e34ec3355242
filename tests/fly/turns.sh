#!/bin/sh
# Runs inside the booted image, beside the gateway: asks so many times, one after another, and counts
# the answers that are not what the model said.
#   turns.sh COUNT
set -eu

wanted=$1
. /test/double.sh
answered=0
wrong=0
while [ $((answered + wrong)) -lt "$wanted" ]; do
  text="turn $((answered + wrong + 1)) of $wanted, and what else a person writes in a message"
  if answers "$text"; then answered=$((answered + 1)); else wrong=$((wrong + 1)); fi
  [ $(((answered + wrong) % 100)) -ne 0 ] || echo "turns: $((answered + wrong))"
done
hardshell status
echo "turns: $answered answered, $wrong wrong"
