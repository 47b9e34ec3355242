#!/usr/bin/env bash
# clang-tidy over what ships, with the rules of .clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release >/dev/null
git ls-files 'supervisor/*.cpp' 'workers/*.cpp' | xargs -P "$(nproc)" -n 1 clang-tidy -p build/release --quiet
