#!/usr/bin/env bash
# What was tried and what held: one line per scenario, from what the tests noted.
#   tests/faults/report.sh BUILD_DIRECTORY
#
# Each test leaves lines "number, P or N, outcome, test, remark" (P: as the first process,
# N: as a plain child). Fails when a scenario failed, or was neither tried nor explained.
set -euo pipefail
here=$(dirname "$0")
shopt -s nullglob
notes=("$1"/fault_report/*.tsv)
[ ${#notes[@]} -gt 0 ] || { echo "no fault test has run" >&2; exit 1; }

awk -F'\t' '
  FILENAME == scenarios {
    if ($0 ~ /^#/) next
    order[++count] = $1; title[$1] = $2; elsewhere[$1] = $3
    next
  }
  {
    key = $1 SUBSEP $2
    # The worst of several tests of one scenario stands.
    if (rank[$3] > rank[outcome[key]]) outcome[key] = $3
    if ($5 != "" && !seen[$1, $5]++) remark[$1] = remark[$1] (remark[$1] == "" ? "" : "; ") $5
  }
  BEGIN { rank["not run"] = 1; rank["held"] = 2; rank["FAILED"] = 3 }
  END {
    printf "%-4s %-50s %-9s %-9s %s\n", "", "", "first", "child", ""
    for (i = 1; i <= count; ++i) {
      n = order[i]
      first = outcome[n, "P"]; child = outcome[n, "N"]
      text = remark[n]
      if (elsewhere[n] != "") text = text (text == "" ? "" : "; ") elsewhere[n]
      held += first == "held" || child == "held"
      failed += first == "FAILED" || child == "FAILED"
      if (first == "" && child == "" && elsewhere[n] == "") { untried = untried " " n }
      if (length(text) > 150) text = substr(text, 1, 147) "..."
      if (first == "") first = "-"
      if (child == "") child = "-"
      printf "%-4s %-50s %-9s %-9s %s\n", n, title[n], first, child, text
    }
    printf "%d of %d scenarios held, %d failed\n", held, count, failed
    if (untried != "") print "neither tried nor explained:" untried
    exit failed > 0 || untried != ""
  }' scenarios="$here/scenarios.tsv" "$here/scenarios.tsv" "${notes[@]}"
