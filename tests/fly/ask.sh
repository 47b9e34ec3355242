#!/bin/sh
# Runs inside the booted image, beside the gateway: asks without a pause until it gets no answer, as
# when the gateway is told to stop. A line for each answer.
#   ask.sh TEXT
set -eu

asked=0
while said=$(hardshell agent -m "$1: question $asked" 2>&1); do
  echo "$said"
  asked=$((asked + 1))
  [ "$asked" -lt 10000 ] || exit 1
done
