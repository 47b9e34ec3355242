#!/usr/bin/env bash
# Formats every source file; with --check only says which ones differ.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run -Werror)
git ls-files '*.cpp' '*.h' | xargs clang-format "${mode[@]}"
