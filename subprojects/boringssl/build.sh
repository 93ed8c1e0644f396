# Builds libcrypto.a and libssl.a from the chromium source that subprojects/v8 has unpacked and patched
# in $WORK. Result: $OUT/boringssl.
say "compiling BoringSSL"
source=src/third_party/boringssl/src
cmake -S "$source" -B boringssl -G Ninja -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF \
  -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 \
  -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_TESTING=OFF >boringssl.log ||
  die "cmake cannot configure BoringSSL; see $WORK/boringssl.log"
ninja -C boringssl crypto ssl || die "BoringSSL did not compile"
rm -rf "$OUT/boringssl"
mkdir -p "$OUT/boringssl/lib"
find boringssl -name libcrypto.a -exec cp {} "$OUT/boringssl/lib/" \;
find boringssl -name libssl.a -exec cp {} "$OUT/boringssl/lib/" \;
cp -r "$source/include" "$source/LICENSE" "$OUT/boringssl/"
