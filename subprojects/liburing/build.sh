# Static library only. With libc: the library's own way without one leaves no place for hardening.
unpack liburing_2.9.orig.tar.gz
./configure --prefix="$OUT" --includedir="$OUT/include" --libdir="$OUT/lib" --libdevdir="$OUT/lib" \
  --mandir="$WORK/man" --datadir="$WORK/share" --cc="$CC" --cxx="$CXX" --use-libc
make -j"$JOBS" -C src ENABLE_SHARED=0 CFLAGS="$CFLAGS -Wall" AR="$AR"
make -C src install ENABLE_SHARED=0 CFLAGS="$CFLAGS -Wall" AR="$AR"
install_licence LICENSE
