# src/ada.cpp includes all of the library.
unpack nodejs_18.20.4+dfsg.orig-ada.tar.xz
"$CXX" $CXXFLAGS -std=c++20 -Iinclude -Isrc -c src/ada.cpp -o ada.o
"$AR" rcsD "$OUT/lib/libada.a" ada.o
cp -r include/. "$OUT/include/"
install_licence LICENSE-MIT
