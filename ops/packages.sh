# What the build and the tests need from Debian 12; sourced, not run.

build_packages=(
  ca-certificates curl cmake g++ ninja-build pkg-config ccache
  libboost-dev libboost-filesystem-dev libzmq3-dev cppzmq-dev protobuf-compiler libprotobuf-dev
  libwebsockets-dev libwebsockets-evlib-uv libuv1-dev libssl-dev libsodium-dev
  libcurl4-openssl-dev libspdlog-dev libfmt-dev nlohmann-json3-dev
  libsqlite3-dev libsqlitecpp-dev libcli11-dev libcap-dev
)
test_packages=(
  "${build_packages[@]}"
  libgtest-dev libgmock-dev libbenchmark-dev clang-14 libclang-rt-14-dev
  chromium nodejs npm procps prometheus python3 git
)

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
