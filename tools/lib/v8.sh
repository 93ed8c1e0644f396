# V8 and BoringSSL: from an archive (SKEP_DEPS) or from source. Sourced by tools/setup.

v8_folder() {
  # shellcheck disable=SC2046 # the names in these folders have no blanks
  echo "$CACHE/v8/$(key_of $(find "$ROOT"/subprojects/{v8,boringssl} -type f | sort))"
}

provide_v8() {
  local target archive package version v8_version variant licence sums
  target=$(v8_folder)
  [[ -d $target ]] && return
  read_pin v8
  mkdir -p "$CACHE/v8" "$CACHE/work"
  archive=$CACHE/chromium-$version-$variant.tar.xz
  if [[ -n ${SKEP_DEPS:-} ]]; then
    unpack_v8_archive "$SKEP_DEPS" "$target"
  elif [[ -e $archive ]]; then
    unpack_v8_archive "$archive" "$target"
  else
    build_v8 "$target"
  fi
}

# Takes the archive only if it is whole and of the version and variant that the pin names.
unpack_v8_archive() {
  local archive=$1 target=$2 work=$CACHE/work/v8-archive
  [[ -f $archive.sha256 ]] || die "$archive.sha256 is missing: the archive cannot be checked"
  [[ $(sha256sum <"$archive" | cut -d' ' -f1) == "$(cut -d' ' -f1 "$archive.sha256")" ]] ||
    die "the sha256 of $archive is not the one in $archive.sha256: not using it"
  say "unpacking V8 and BoringSSL from $(basename "$archive")"
  rm -rf "$work"
  mkdir -p "$work"
  tar -xf "$archive" -C "$work" --no-same-owner || die "cannot unpack $archive"
  check_v8 "$work/v8-bssl" "$archive"
  mv "$work/v8-bssl" "$target"
  rmdir "$work"
}

# check_v8 FOLDER WHAT: complete, of the pinned version, built with our arguments?
check_v8() {
  local folder=$1 what=$2 file found
  for file in v8/{lib/libv8_monolith.a,include/v8.h,include/v8-gn.h,args.gn} \
    boringssl/{lib/libssl.a,lib/libcrypto.a,include/openssl/ssl.h,LICENSE}; do
    [[ -f $folder/$file ]] || die "$what holds no $file"
  done
  found=$(awk '/define V8_(MAJOR_VERSION|MINOR_VERSION|BUILD_NUMBER|PATCH_LEVEL) / {
    printf "%s%s", dot, $3; dot = "." }' "$folder/v8/include/v8-version.h")
  [[ $found == "$v8_version" ]] || die "$what holds V8 $found, and subprojects/v8/pin asks for $v8_version"
  diff -u "$ROOT/subprojects/v8/args.gn" "$folder/v8/args.gn" >&2 ||
    die "$what was built with other arguments than subprojects/v8/args.gn (differences above)"
}

# From Debian's source package. $CACHE/work/v8-KEY keeps what is done if it is interrupted.
build_v8() {
  local target=$1
  say "building V8 and BoringSSL from source: fetches 950 MB, takes 5 GB of disk while it runs and"
  say "about 45 minutes of CPU time (25 minutes on two cores that have nothing else to do)."
  say "It may be interrupted and goes on when run again. An archive in SKEP_DEPS avoids it."
  fetch_source "$package" "$version" "$sums"
  run_v8_build "$target" "$fetched"
}

# The recipes run with: SOURCES (the fetched files), WORK (current folder), OUT, RECIPE (the folder
# of the recipe for V8), version, and the helper `once`.
run_v8_build() (
  target=$1 SOURCES=$2
  WORK=$CACHE/work/v8-$(basename "$target") OUT=$WORK/v8-bssl RECIPE=$ROOT/subprojects/v8

  # once STEP: runs the function STEP unless it has been done here before
  once() {
    [[ -e done-$1 ]] && return
    "$1"
    touch "done-$1"
  }

  mkdir -p "$OUT"
  cd "$WORK"
  . "$ROOT/subprojects/v8/build.sh"
  . "$ROOT/subprojects/boringssl/build.sh"
  check_v8 "$OUT" "the build"
  mv "$OUT" "$target"
  cd / && rm -rf "$WORK"
)

# Packs what is in the cache, with nothing in it that tells when and where it was made.
archive_v8() {
  local file=$1 target package version v8_version variant licence sums
  read_pin v8
  target=$(v8_folder)
  [[ -d $target ]] || die "V8 and BoringSSL are not in the cache: run tools/setup first"
  [[ $file == *.tar.xz ]] || file+=.tar.xz
  say "packing $file"
  tar -C "$target" --transform 's,^\.,v8-bssl,' --sort=name --mtime=@0 --owner=root:0 --group=root:0 \
    --mode=u=rwX,go=rX -cf - . | xz -9 >"$file.part"
  mv "$file.part" "$file"
  (cd "$(dirname "$file")" && sha256sum "$(basename "$file")" >"$(basename "$file").sha256")
  say "made $file and $file.sha256"
}
