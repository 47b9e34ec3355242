# What the build and the tests need from Debian 12; sourced, not run.

build_packages=(
  ca-certificates curl cmake g++ ninja-build pkg-config ccache
  libboost-dev libboost-filesystem-dev libzmq3-dev cppzmq-dev protobuf-compiler libprotobuf-dev
  libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libssl-dev libsodium-dev
  libcurl4-openssl-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libsqlite3-dev libsqlitecpp-dev libcli11-dev libcap-dev
  libre2-dev   # mentionPatterns: the owner's patterns on anybody's text, in linear time
  libmd4c-dev  # Markdown as models write it, for what Telegram shows; at run time libmd4c0
  libhowardhinnant-date-dev tzdata  # time zones of cron jobs; at run time libdate-tz3 and tzdata
)
test_packages=(
  "${build_packages[@]}"
  libgtest-dev libgmock-dev libbenchmark-dev clang-14 libclang-rt-14-dev
  chromium nodejs npm procps prometheus python3 git
  restic sqlite3  # ops/backup.sh
  buildah debootstrap iproute2  # the image of fly/Dockerfile, and a container of it
)
machine_packages=(qemu-system-x86 busybox-static cpio e2fsprogs)  # the image in a virtual machine

# install_packages name…: only what is missing, so that a second run needs no network.
install_packages() {
  local missing=()
  local name
  for name in "$@"; do
    case $name in
      nodejs | npm) command -v "${name/nodejs/node}" >/dev/null && continue ;;
    esac
    dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "hardshell: these packages are missing; install them as root: ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "installing: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >/dev/null
}
