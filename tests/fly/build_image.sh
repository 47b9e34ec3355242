#!/usr/bin/env bash
# Builds the image of fly/Dockerfile without a Docker daemon and unpacks it:
#   tests/fly/build_image.sh build/fly            with the programs of build/release
#   tests/fly/build_image.sh build/fly --whole    compiling them in the image's own stage, as a host does
# (HARDSHELL_RELEASE: another build folder than build/release)
# leaves build/fly/rootfs (the image's files), build/fly/config.json (its settings) and
# build/fly/size (bytes, compressed). Needs root and Debian's packages, no registry of images.
#
# The base is made once for a machine and kept under ~/.cache/hardshell, so that a clean clone finds it.
set -euo pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$1"
work=$(realpath "$1")
. "$source/ops/packages.sh"
install_packages buildah debootstrap

# No overlay file system and no user namespace is asked of the machine.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
storage=(--root "$work/storage" --runroot "$work/run")
buildah() { command buildah "${storage[@]}" "$@"; }
base=localhost/hardshell-test-base
programs=localhost/hardshell-test-programs

# One time for everything: the same sources give the same image (tests/fly/reproduced.py).
when=$(git -C "$source" log -1 --format=%ct 2>/dev/null || echo 0)

# A compilation begins with nothing, as on a host that never built it: a layer that is kept here has
# the time of an earlier commit.
if [ "${2:-}" = --whole ]; then
  buildah rm --all >/dev/null
  buildah rmi --all --force >/dev/null
fi

# image_of NAME DIRECTORY [PLACE]: an image that holds just these files. Its time is the same at each
# commit, as an image of it may be kept.
image_of() {
  local container
  container=$(buildah from scratch)
  buildah copy -q "$container" "$2" "${3:-/}" >/dev/null
  buildah commit -q --timestamp 0 --rm "$container" "$1" >/dev/null
}

# Trimmed as Debian's slim image is, and with the package sources of this machine.
make_base() {
  local archive=$1 root=$work/base
  rm -rf "$root"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$root" >"$work/base.log"
  rm -rf "$root"/usr/share/{doc,man,locale,info}/* "$root"/var/cache/apt/* \
    "$root"/var/lib/apt/lists/* "$root"/var/log/*
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/force-unsafe-io"  # as Debian's image has it
  rm -f "$root/etc/apt/sources.list"
  cp -r /etc/apt/sources.list* /etc/apt/trusted.gpg.d "$root/etc/apt/"
  [ ! -d /etc/apt/keyrings ] || cp -r /etc/apt/keyrings "$root/etc/apt/"
  apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries|AllowInsecure)' \
    >"$root/etc/apt/apt.conf.d/90machine" || true  # how its mirror is reached, and no hooks
  mkdir -p "$(dirname "$archive")"
  tar -C "$root" -cf "$archive.$$" .
  mv "$archive.$$" "$archive"
  rm -rf "$root"
}

if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  archive=${XDG_CACHE_HOME:-$HOME/.cache}/hardshell/bookworm-minbase.tar
  [ -f "$archive" ] || make_base "$archive"
  mkdir -p "$work/base"
  tar -C "$work/base" -xf "$archive"
  image_of "$base" "$work/base"
  rm -rf "$work/base"
fi

options=(--build-arg "BASE=$base")
if [ "${2:-}" = --whole ]; then
  # The compiler's cache is lent to the build: the same objects as those of this tree's release build.
  cache=$(ccache --get-config cache_dir)
  mkdir -p "$cache"
  options+=(--volume "$cache:/root/.cache/ccache")
  # What the file says itself; buildah 1.28 does not see that default when it looks for the stages.
  options+=(--build-arg PROGRAMS=build)
else
  rm -rf "$work/out"
  "$source/ops/install.sh" "${HARDSHELL_RELEASE:-$source/build/release}" "$work/out"
  image_of "$programs" "$work/out" /out
  options+=(--build-arg "PROGRAMS=$programs")
fi
buildah bud -q --format docker --layers --target hardshell "${options[@]}" --network host \
  --timestamp "$when" \
  --ignorefile "$source/fly/Dockerfile.dockerignore" --file "$source/fly/Dockerfile" \
  --tag localhost/hardshell "$source" >"$work/image.id"

# The target with the tunnels, with stand-ins for the vendors' images: that its files are put in place.
stub() { mkdir -p "$work/$1/$(dirname "$2")" && printf '#!/bin/sh\nexit 0\n' >"$work/$1/$2" && chmod 755 "$work/$1/$2"; }
rm -rf "$work/ngrok" "$work/tailscale"
stub ngrok bin/ngrok
stub tailscale usr/local/bin/tailscale
stub tailscale usr/local/bin/tailscaled
image_of localhost/hardshell-test-ngrok "$work/ngrok"
image_of localhost/hardshell-test-tailscale "$work/tailscale"
buildah bud -q --format docker --layers --target tunnels "${options[@]}" --network host \
  --build-arg NGROK=localhost/hardshell-test-ngrok \
  --build-arg TAILSCALE=localhost/hardshell-test-tailscale --timestamp "$when" \
  --ignorefile "$source/fly/Dockerfile.dockerignore" --file "$source/fly/Dockerfile" \
  --tag localhost/hardshell-tunnels "$source" >"$work/tunnels.id"
container=$(buildah from localhost/hardshell-tunnels)
mounted=$(buildah mount "$container")
for program in ngrok tailscale tailscaled hardshell; do
  [ -x "$mounted/usr/local/bin/$program" ] || { echo "the target tunnels has no $program" >&2; exit 1; }
done
buildah rm "$container" >/dev/null

buildah inspect --type image localhost/hardshell >"$work/config.json"
container=$(buildah from localhost/hardshell)
mounted=$(buildah mount "$container")
rm -rf "$work/rootfs"
mkdir "$work/rootfs"
tar -C "$mounted" -cf - . | tar -C "$work/rootfs" -xf -
tar -C "$mounted" --sort=name -cf - . | gzip -6 -n | wc -c >"$work/size"
buildah rm "$container" >/dev/null
