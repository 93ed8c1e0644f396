# Strict mode: a bare CR, a space before a colon and the like are errors, as they let requests be smuggled.
unpack nodejs_18.20.4+dfsg.orig.tar.xz '*/deps/llhttp/*'
cd deps/llhttp
for unit in llhttp http api; do
  "$CC" $CFLAGS -std=c99 -DLLHTTP_STRICT_MODE=1 -Iinclude -c "src/$unit.c" -o "$unit.o"
done
"$AR" rcsD "$OUT/lib/libllhttp.a" llhttp.o http.o api.o
cp include/llhttp.h "$OUT/include/"
install_licence LICENSE-MIT
