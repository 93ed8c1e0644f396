// clang-19 --target=wasm32 -O2 -nostdlib -Wl,--no-entry -o src/sum.wasm sum.c
__attribute__((import_module("env"), import_name("add"))) int add(int a, int b);
static unsigned char memory[1024];
__attribute__((export_name("buffer"))) unsigned char* buffer(void) {
  return memory;
}
__attribute__((export_name("sum"))) int sum(int count) {
  int total = 0;
  for (int i = 0; i < count; i++) total = add(total, memory[i]);
  return total;
}
__attribute__((export_name("trap"))) void trap(void) {
  __builtin_trap();
}
