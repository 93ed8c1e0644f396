# Builds libv8_monolith.a from the folders of chromium's source that it needs. Runs in $WORK, which is
# kept when the build is interrupted: the steps that are done are not done again, ninja goes on.
# Result: $OUT/v8. See docs/building-v8.md.

# The tarball's folders, Debian's patches and ours.
prepare_sources() {
  local folders name include=()
  mapfile -t folders <"$RECIPE/folders"
  rm -rf src debian
  mkdir src
  say "unpacking chromium $version (a minute or two)"
  tar -xf "$SOURCES"/chromium_*.debian.tar.xz --no-same-owner
  tar -xf "$SOURCES"/chromium_*.orig.tar.xz --no-same-owner -C src --strip-components=1 \
    "${folders[@]/#/chromium-$version/}"

  # Debian's patches are what makes it build with clang-19 and with bookworm's gn. Most of a patch
  # may concern folders that are not here; the rest must apply.
  for name in "${folders[@]}"; do include+=(-i "$name/*"); done
  while read -r name _; do
    [[ -z $name || $name == \#* ]] && continue
    filterdiff -p1 "${include[@]}" "debian/patches/$name" >debian/cut.diff
    [[ -s debian/cut.diff ]] && apply_patch debian/cut.diff "Debian's $name"
  done <debian/patches/series
  for name in "$RECIPE"/patches/*.patch; do apply_patch "$name" "$(basename "$name")"; done
  lay_out_tree
}

apply_patch() {
  patch -d src -p1 --silent --force --no-backup-if-mismatch <"$1" || die "$2 does not apply"
}

# chromium's tree has V8 as a folder; alone it is the root and has the others below it.
lay_out_tree() {
  local name
  ln -s ../build src/v8/build
  for name in src/third_party/*; do
    name=$(basename "$name")
    if [[ -d src/v8/third_party/$name ]]; then # V8 has the build file, chromium the source
      ln -s "../../../third_party/$name/src" "src/v8/third_party/$name/src"
    else
      ln -s "../../third_party/$name" "src/v8/third_party/$name"
    fi
  done
}

configure() {
  local unit
  mkdir -p "$BUILD"
  cp "$RECIPE/args.gn" "$BUILD/"
  (cd src/v8 && gn gen --quiet out/skep) || die "gn cannot configure V8"
  # These targets run at build time only, and nothing of them is in the library: compile them fast.
  for unit in v8_initializers torque_generated_initializers torque_base torque; do
    sed -i 's/-O3\b/-O0/g' "$BUILD/obj/$unit.ninja"
  done
}

# v8-gn.h, which sets and checks every define that an embedder needs. gn writes it only under an
# argument that would also put it into the library's own compilation, so it comes from a folder apart.
make_header() {
  mkdir -p "$HEADER"
  { cat "$RECIPE/args.gn" && echo v8_generate_external_defines_header=true; } >"$HEADER/args.gn"
  (cd src/v8 && gn gen --quiet out/header) || die "gn cannot configure V8's header"
  ninja -C "$HEADER" gen/include/v8-gn.h || die "V8's header of defines could not be made"
}

install_v8() {
  local name
  rm -rf "$OUT/v8"
  mkdir -p "$OUT"/v8/{lib,licenses}
  cp "$BUILD/obj/libv8_monolith.a" "$OUT/v8/lib/"
  cp -r src/v8/include "$OUT/v8/"
  find "$OUT/v8/include" \( -name DEPS -o -name OWNERS \) -delete
  cp "$HEADER/gen/include/v8-gn.h" "$OUT/v8/include/"
  cp "$BUILD"/{args.gn,v8_features.json} src/v8/LICENSE "$OUT/v8/"
  cp src/v8/LICENSE.{v8,fdlibm,strongtalk} "$OUT/v8/licenses/"
  for name in abseil-cpp fp16 icu simdutf; do
    cp "src/third_party/$name/LICENSE" "$OUT/v8/licenses/LICENSE.$name"
  done
  for name in inspector_protocol rapidhash-v8 siphash utf8-decoder wasm-api; do
    cp "src/v8/third_party/$name/LICENSE" "$OUT/v8/licenses/LICENSE.$name"
  done
  cp src/third_party/dragonbox/src/LICENSE-Boost "$OUT/v8/licenses/LICENSE.dragonbox"
  cp src/third_party/fast_float/src/LICENSE-MIT "$OUT/v8/licenses/LICENSE.fast_float"
  cp src/third_party/highway/src/LICENSE "$OUT/v8/licenses/LICENSE.highway"
}

BUILD=src/v8/out/skep
HEADER=src/v8/out/header
# gn's toolchain "unbundle" reads these
export AR=ar NM=nm CC=clang-19 CXX=clang++-19

once prepare_sources
once configure
say "compiling V8"
ninja -C "$BUILD" v8_monolith || die "V8 did not compile; tools/setup goes on from here when run again"
make_header
install_v8
