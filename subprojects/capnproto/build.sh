# kj, kj-async, capnp, capnp-rpc and the schema compiler; no TLS, HTTP compression or tests.
unpack capnproto_1.1.0.orig.tar.gz
cmake -S . -B out -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_PREFIX="$OUT" \
  -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_CXX_COMPILER="$CXX" -DCMAKE_CXX_FLAGS="$CXXFLAGS" \
  -DCMAKE_AR="$(command -v "$AR")" -DCMAKE_CXX_STANDARD=23 -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF \
  -DWITH_OPENSSL=OFF -DWITH_ZLIB=OFF
ninja -C out install
install_licence LICENSE.txt
