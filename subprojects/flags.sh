# Compiler and flags of all libraries built here. A change builds all of them anew.
CC=clang-19 CXX=clang++-19 AR=llvm-ar-19
COMMON_FLAGS="-O2 -g1 -fPIC -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"
COMMON_FLAGS+=" -fcf-protection -ftrivial-auto-var-init=zero"
