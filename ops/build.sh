#!/usr/bin/env bash
# Installs what the build needs and leaves the release build in build/release, runnable in place.
#   ops/build.sh [preset]
set -euo pipefail
cd "$(dirname "$0")/.."
. ops/packages.sh

export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1  # a build folder elsewhere finds the same objects
preset=${1:-release}
install_packages "${build_packages[@]}"
cmake --preset "$preset" >/dev/null
cmake --build "build/$preset"
