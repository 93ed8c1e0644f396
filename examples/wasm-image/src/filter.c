// An image filter on portable pixmaps (PPM, type P6): grey and inverted. Compiled to WebAssembly
// without a library: see build.sh.
#define EXPORT(name) __attribute__((export_name(#name))) name

typedef unsigned char u8;
typedef unsigned long usize;

extern u8 __heap_base;
static usize in_use = 0;

// Room for `bytes` bytes of input; one image at a time. 0: no memory.
u8* EXPORT(reserve)(usize bytes) {
  const usize start = (usize)&__heap_base;
  const usize have = __builtin_wasm_memory_size(0) << 16;
  if (start + bytes > have) {
    const usize pages = (start + bytes - have + 0xffff) >> 16;
    if (__builtin_wasm_memory_grow(0, pages) == (usize)-1) return 0;
  }
  in_use = bytes;
  return &__heap_base;
}

static usize skip_space(const u8* p, usize at) {
  while (at < in_use && (p[at] == ' ' || p[at] == '\n' || p[at] == '\r' || p[at] == '\t')) at++;
  return at;
}

static usize number(const u8* p, usize* at) {
  usize value = 0;
  *at = skip_space(p, *at);
  if (*at >= in_use || p[*at] < '0' || p[*at] > '9') return (usize)-1;
  while (*at < in_use && p[*at] >= '0' && p[*at] <= '9' && value < 100000) {
    value = value * 10 + (p[(*at)++] - '0');
  }
  return value;
}

// Filters the image at `p` in place. 0: done; 1: not a P6 pixmap with 8 bits a channel; 2: cut
// short.
int EXPORT(filter)(u8* p) {
  if (in_use < 3 || p[0] != 'P' || p[1] != '6') return 1;
  usize at = 2;
  const usize width = number(p, &at);
  const usize height = number(p, &at);
  const usize depth = number(p, &at);
  if (width == (usize)-1 || height == (usize)-1 || depth != 255) return 1;
  at++;  // one white space after the header
  if (in_use < at || in_use - at < (unsigned long long)width * height * 3) return 2;
  for (usize i = 0; i < width * height; i++) {
    u8* pixel = p + at + i * 3;
    const u8 grey = (u8)(255 - (pixel[0] * 77 + pixel[1] * 150 + pixel[2] * 29) / 256);
    pixel[0] = pixel[1] = pixel[2] = grey;
  }
  return 0;
}
