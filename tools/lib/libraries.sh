# Builds the small libraries of subprojects/ and installs the npm packages. Sourced by tools/setup.
#
# Each library is built in a folder of its own in the cache, named by a hash of all that goes into
# it, and moved into place when it is complete: what is there is good.

# shellcheck source=../../subprojects/flags.sh
. "$ROOT/subprojects/flags.sh"

LIBRARIES=(liburing capnproto llhttp ada benchmark)
NPM_SETS=(npm npm-test)

# Prints a short hash of the named files' contents and of the machine's architecture.
key_of() {
  { uname -m && sed '' "$@"; } | sha256sum | cut -c1-12
}

library_folder() {
  echo "$CACHE/lib/$1-$(key_of "$ROOT/subprojects/"{flags.sh,"$1"/pin,"$1"/build.sh})"
}

npm_folder() {
  echo "$CACHE/npm/$1-$(key_of "$ROOT/subprojects/$1/"package{,-lock}.json)"
}

# The first line of the comment in a pin says what the library is; the rest are its fields.
read_pin() {
  package='' version='' licence='' sums=''
  # shellcheck source=/dev/null
  . "$ROOT/subprojects/$1/pin"
}

build_library() {
  local name=$1 target package version licence sums
  target=$(library_folder "$name")
  [[ -d $target ]] && return
  read_pin "$name"
  fetch_source "$package" "$version" "$sums"
  say "building $name"
  run_build_script "$name" "$target" "$fetched"
}

# Runs subprojects/NAME/build.sh with: SOURCES (the fetched files), WORK (an empty folder, current),
# OUT (the prefix to install into), CC CXX AR CFLAGS CXXFLAGS JOBS, and two helpers.
run_build_script() (
  name=$1 target=$2 SOURCES=$3
  WORK=$CACHE/work/$name OUT=$CACHE/work/$name.out JOBS=$(nproc)
  log=$CACHE/log/$name.log
  rm -rf "$WORK" "$OUT"
  mkdir -p "$WORK" "$OUT"/{include,lib,licenses} "$CACHE/log" "$(dirname "$target")"
  # debug information must not tell where the library was built
  CFLAGS="$COMMON_FLAGS -ffile-prefix-map=$WORK=/$name" CXXFLAGS=$CFLAGS
  export CC CXX AR CFLAGS CXXFLAGS

  # unpack TARBALL [PATTERN…]: unpacks it here, without its top folder, and enters there
  unpack() {
    local tarball=$SOURCES/$1
    shift
    tar -xf "$tarball" --strip-components=1 --no-same-owner --wildcards "$@"
  }
  install_licence() {
    cp "$1" "$OUT/licenses/$name"
  }

  cd "$WORK"
  set +e # in the condition of an `if`, the build script's own -e would not hold
  (
    set -euo pipefail
    . "$ROOT/subprojects/$name/build.sh"
  ) >"$log" 2>&1
  status=$?
  set -e
  if [[ $status -ne 0 ]]; then
    tail -n 30 "$log" >&2
    die "building $name failed; the whole log is $log"
  fi
  [[ -s $OUT/licenses/$name ]] || die "subprojects/$name/build.sh installed no licence"
  rm -rf "$OUT"/lib/{cmake,pkgconfig} # they name the folder that is moved away in the next line
  mv "$OUT" "$target"
  cd / && rm -rf "$WORK"
)

# No install scripts run: the packages that we take need none.
install_npm_set() {
  local name=$1 target work log
  target=$(npm_folder "$name")
  [[ -d $target ]] && return
  say "installing the npm packages of subprojects/$name"
  work=$CACHE/work/$name log=$CACHE/log/$name.log
  rm -rf "$work"
  mkdir -p "$work" "$CACHE/log" "$CACHE/npm"
  cp "$ROOT/subprojects/$name/"package{,-lock}.json "$work/"
  if ! (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
    tail -n 30 "$log" >&2
    die "npm ci for subprojects/$name failed; the whole log is $log"
  fi
  mv "$work" "$target"
}
