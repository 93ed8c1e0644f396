# Fetches pinned Debian source packages. Sourced by tools/setup.
#
# The machine's own sources entry names the mirror; a private apt configuration in the cache adds
# `deb-src` and the suites that we need. So the system's sources stay as they are, no root is
# needed, and no mirror's name stands in this repository.

# Prints the mirror (first URI) that the machine uses for its own Debian release.
debian_mirror() {
  local codename
  codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
  [[ -n $codename ]] || die "/etc/os-release names no VERSION_CODENAME: is this Debian?"
  {
    # deb822 style: stanzas of "Key: value"
    { cat /etc/apt/sources.list.d/*.sources 2>/dev/null || true; } | sed '/^#/d' |
      awk -v RS= -v code="$codename" '{
        uri = ""; ours = 0
        n = split($0, lines, "\n")
        for (i = 1; i <= n; i++) {
          m = split(lines[i], words, " ")
          if (tolower(words[1]) == "uris:") uri = words[2]
          if (tolower(words[1]) == "suites:")
            for (j = 2; j <= m; j++) if (words[j] == code) ours = 1
        }
        if (ours && uri != "") print uri
      }'
    # one-line style: deb [options] URI SUITE COMPONENTS
    { cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
      sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+)[[:space:]]+'"$codename"'([[:space:]].*)?$/\2/p'
  } | sed -n 1p
}

# apt-get with the private configuration. The sandbox user of apt cannot write below a home
# folder; what is fetched is checked by signature (the index) and by sha256 (the files).
private_apt() {
  apt-get -qq \
    -o Dir::Etc::sourcelist="$CACHE/apt/source.sources" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$CACHE/apt/lists" -o Dir::Cache="$CACHE/apt/cache" \
    -o Dir::Cache::archives="$CACHE/apt/cache/archives" \
    -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none "$@"
}

# Reads the source indices of the pinned suites, once a cache.
prepare_private_apt() {
  local mirror keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -e $CACHE/apt/ready ]] && return
  mirror=$(debian_mirror)
  [[ -n $mirror ]] || die "no entry for this Debian release in /etc/apt/sources.list or" \
    "/etc/apt/sources.list.d: cannot tell where to fetch source packages from"
  say "reading the indices of Debian's source packages"
  mkdir -p "$CACHE/apt/lists/partial" "$CACHE/apt/cache/archives/partial"
  printf '%s\n' "Types: deb-src" "URIs: $mirror" "Suites: bookworm trixie" "Components: main" \
    "Signed-By: $keyring" >"$CACHE/apt/source.sources"
  private_apt update -o APT::Update::Error-Mode=any ||
    die "cannot read the source indices from the machine's Debian mirror: is the network up?"
  touch "$CACHE/apt/ready"
}

# Prints the Debian version of PACKAGE that holds a file with this sha256. A point release may
# replace the packaging (1.1.0-2 by 1.1.0-2+deb13u1) and keep the upstream tarball that is pinned.
version_holding() {
  apt-cache -o Dir::Etc::sourcelist="$CACHE/apt/source.sources" -o Dir::Etc::sourceparts=- \
    -o Dir::State::lists="$CACHE/apt/lists" -o Dir::Cache="$CACHE/apt/cache" \
    showsrc --only-source "$1" |
    awk -v sum="$2" '$1 == "Version:" { version = $2 } $1 == sum && !found { print version; found = 1 }'
}

# fetch_source PACKAGE VERSION SUMS: leaves the files in $CACHE/sources/PACKAGE-VERSION and sets
# $fetched to that folder. SUMS is in the format of sha256sum; its first line finds the package.
# Only tarballs are fetched, and Debian's patches only where SUMS names them.
fetch_source() {
  local package=$1 version=$2 sums=$3 debian_version
  local only=(--tar-only)
  fetched=$CACHE/sources/$package-$version
  check_sums "$fetched" "$sums" 2>/dev/null && return
  [[ $sums == *.debian.tar.* ]] && only=()
  prepare_private_apt
  debian_version=$(version_holding "$package" "${sums%% *}")
  if [[ -z $debian_version ]]; then
    rm -f "$CACHE/apt/ready" # the index may be stale: read it anew next time
    die "the Debian mirror no longer has $package $version: raise the version in its pin file"
  fi
  say "fetching the source package $package $debian_version"
  mkdir -p "$fetched"
  (cd "$fetched" &&
    private_apt source --download-only --only-source "${only[@]}" "$package=$debian_version") || {
    rm -f "$CACHE/apt/ready"
    die "cannot fetch the source package $package $debian_version: is the network up?"
  }
  check_sums "$fetched" "$sums" ||
    die "$package $version is not what its pin says (sha256 differs); the files lie in $fetched"
}

# Says which files are wrong, on stderr.
check_sums() {
  [[ -d $1 ]] && (cd "$1" && sha256sum --check --quiet --strict - <<<"$2" >&2)
}
