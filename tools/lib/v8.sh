# V8 and BoringSSL: from an archive (SKEP_DEPS) or from source. Sourced by tools/setup.

v8_folder() {
  # shellcheck disable=SC2046 # the names in these folders have no blanks
  echo "$CACHE/v8/$(key_of $(find "$ROOT"/subprojects/{v8,boringssl} -type f | sort))"
}

provide_v8() {
  local target package version v8_version variant licence sums
  target=$(v8_folder)
  [[ -d $target ]] && return
  read_pin v8
  mkdir -p "$CACHE/v8" "$CACHE/work"
  if [[ -n ${SKEP_DEPS:-} ]]; then
    unpack_v8_archive "$SKEP_DEPS" "$target"
  else
    build_v8 "$target"
  fi
}

# Takes the archive only if it is whole and of the version and variant that the pin names.
unpack_v8_archive() {
  local archive=$1 target=$2 work=$CACHE/work/v8-archive
  [[ -f $archive ]] || die "SKEP_DEPS names no file: $archive"
  [[ -f $archive.sha256 ]] || die "SKEP_DEPS: $archive.sha256 is missing; the archive cannot be checked"
  [[ $(sha256sum <"$archive" | cut -d' ' -f1) == "$(cut -d' ' -f1 "$archive.sha256")" ]] ||
    die "SKEP_DEPS: the sha256 of $archive is not the one in $archive.sha256: not using it"
  say "unpacking V8 and BoringSSL from $(basename "$archive")"
  rm -rf "$work"
  mkdir -p "$work"
  tar -xf "$archive" -C "$work" --no-same-owner || die "SKEP_DEPS: cannot unpack $archive"
  check_v8 "$work/v8-bssl" "SKEP_DEPS: $archive"
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
