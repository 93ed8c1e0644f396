#include "loop/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

#if !defined(__x86_64__)
#error "fibers are written for x86-64 only: other processors need a switch of their own here"
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define SKEP_FIBER_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define SKEP_FIBER_ASAN 0
#endif

// skep_fiber_switch(void** save, void* load): stores the callee-saved registers on this stack and
// its stack pointer in *save, then takes both from `load`. The frame has the same shape on both
// sides, so the unwind table holds throughout.
//
// The control words of SSE and x87 are part of the callee's duty (System V ABI 3.2.1); they nearly
// never differ, and a compare is cheaper than the load.
//
// skep_fiber_first is where a new fiber wakes: r12 holds the Fiber. Undefined rip and a zero rbp
// tell every unwinder (by table or by frame pointer) that the stack ends there.
extern "C" {
void skep_fiber_switch(void** save, void* load);
void skep_fiber_first();
}

asm(R"(
  .text
  .p2align 4
  .globl skep_fiber_switch
  .hidden skep_fiber_switch
  .type skep_fiber_switch, @function
skep_fiber_switch:
  .cfi_startproc
  endbr64
  pushq %rbp
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbp, 0
  pushq %rbx
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %rbx, 0
  pushq %r12
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r12, 0
  pushq %r13
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r13, 0
  pushq %r14
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r14, 0
  pushq %r15
  .cfi_adjust_cfa_offset 8
  .cfi_rel_offset %r15, 0
  subq $8, %rsp
  .cfi_adjust_cfa_offset 8
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movl (%rsp), %eax
  movzwl 4(%rsp), %ecx
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  cmpl (%rsp), %eax
  jne 2f
1:
  cmpw 4(%rsp), %cx
  jne 3f
4:
  .cfi_remember_state
  addq $8, %rsp
  .cfi_adjust_cfa_offset -8
  popq %r15
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r15
  popq %r14
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r14
  popq %r13
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r13
  popq %r12
  .cfi_adjust_cfa_offset -8
  .cfi_restore %r12
  popq %rbx
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbx
  popq %rbp
  .cfi_adjust_cfa_offset -8
  .cfi_restore %rbp
  ret
  .cfi_restore_state
2:
  ldmxcsr (%rsp)
  jmp 1b
3:
  fldcw 4(%rsp)
  jmp 4b
  .cfi_endproc
  .size skep_fiber_switch, .-skep_fiber_switch

  .p2align 4
  .globl skep_fiber_first
  .hidden skep_fiber_first
  .type skep_fiber_first, @function
skep_fiber_first:
  .cfi_startproc
  .cfi_undefined %rip
  endbr64
  movq %r12, %rdi
  callq *%r13
  ud2
  .cfi_endproc
  .size skep_fiber_first, .-skep_fiber_first
)");

namespace skep::loop {
namespace {

// Which fiber runs is a fact of the thread, as its stack is.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
thread_local Fiber* t_current = nullptr;

// What skep_fiber_switch pops, from the lowest address up.
struct SwitchFrame {
  uint32_t mxcsr = 0x1f80;  // the ABI's values at process start
  uint16_t x87_control = 0x037f;
  uint16_t unused = 0;
  uint64_t r15 = 0, r14 = 0, r13 = 0, r12 = 0, rbx = 0, rbp = 0;
  void (*return_address)() = nullptr;
};
static_assert(sizeof(SwitchFrame) == 64);

// Wide enough that no frame of ordinary code steps over it.
constexpr size_t kGuardBytes = 64 * 1024;
// A stack keeps this much resident in the pool.
constexpr size_t kKeptBytes = 64 * 1024;

// Leaves no trace of a run that went below the kept part of the stack. Looking costs nothing,
// asking the kernel each time would be a system call a request: deep runs leave something in these
// words.
void give_back_deep_pages(char* bottom, char* top) {
  constexpr size_t kWords = 32;
  char* limit = top - kKeptBytes;
  if (limit - kWords * sizeof(uint64_t) <= bottom) return;
  const auto* words = reinterpret_cast<const uint64_t*>(limit) - kWords;
  if (std::all_of(words, words + kWords, [](uint64_t word) { return word == 0; })) return;
  madvise(bottom, static_cast<size_t>(limit - bottom), MADV_DONTNEED);
}

}  // namespace

Fiber::Fiber(char* mapping, size_t mapping_bytes)
    : mapping_(mapping),
      mapping_bytes_(mapping_bytes),
      bottom_(mapping + kGuardBytes),
      top_(mapping + mapping_bytes) {}

Fiber::~Fiber() {
  SKEP_ASSERT(!running_);
#if SKEP_FIBER_ASAN
  __asan_unpoison_memory_region(bottom_, static_cast<size_t>(top_ - bottom_));
#endif
  munmap(mapping_, mapping_bytes_);
}

Fiber* Fiber::current() {
  return t_current;
}

bool Fiber::start(Entry entry, void* argument) {
  SKEP_ASSERT(finished_);
  entry_ = entry;
  argument_ = argument;
  finished_ = false;
#if SKEP_FIBER_ASAN
  // The last frame of the run before never returned, so its red zones still stand.
  __asan_unpoison_memory_region(bottom_, static_cast<size_t>(top_ - bottom_));
#endif
  auto* frame = new (top_ - 16 - sizeof(SwitchFrame)) SwitchFrame;
  frame->r12 = reinterpret_cast<uint64_t>(this);
  frame->r13 = reinterpret_cast<uint64_t>(&Fiber::run);
  frame->return_address = &skep_fiber_first;
  saved_stack_pointer_ = frame;
  return resume();
}

bool Fiber::resume() {
  SKEP_ASSERT(t_current == nullptr && !finished_);
  t_current = this;
  running_ = true;
#if SKEP_FIBER_ASAN
  void* loop_fake_stack = nullptr;
  __sanitizer_start_switch_fiber(&loop_fake_stack, bottom_, static_cast<size_t>(top_ - bottom_));
#endif
  skep_fiber_switch(&loop_stack_pointer_, saved_stack_pointer_);
#if SKEP_FIBER_ASAN
  __sanitizer_finish_switch_fiber(loop_fake_stack, nullptr, nullptr);
#endif
  running_ = false;
  t_current = nullptr;
  return finished_;
}

void Fiber::suspend() {
  SKEP_ASSERT(t_current == this);
  switch_to_loop();
}

void Fiber::switch_to_loop() {
#if SKEP_FIBER_ASAN
  // Null: the fiber is through, its fake stack may go.
  __sanitizer_start_switch_fiber(finished_ ? nullptr : &fake_stack_, loop_bottom_, loop_bytes_);
#endif
  skep_fiber_switch(&saved_stack_pointer_, loop_stack_pointer_);
#if SKEP_FIBER_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &loop_bottom_, &loop_bytes_);
#endif
}

void Fiber::run(Fiber* fiber) {
#if SKEP_FIBER_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &fiber->loop_bottom_, &fiber->loop_bytes_);
#endif
  fiber->entry_(fiber->argument_);
  fiber->finished_ = true;
  fiber->switch_to_loop();
  assert_failed(__FILE__, __LINE__, "a finished fiber is not resumed");
}

FiberPool::FiberPool(size_t stack_bytes) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  stack_bytes_ = (stack_bytes + page - 1) / page * page;
  idle_.reserve(limits::kFiberPoolIdle);
}

FiberPool::~FiberPool() = default;

std::unique_ptr<Fiber> FiberPool::take() {
  if (!idle_.empty()) {
    std::unique_ptr<Fiber> fiber = std::move(idle_.back());
    idle_.pop_back();
    return fiber;
  }
  const size_t bytes = stack_bytes_ + kGuardBytes;
  void* mapping = mmap(nullptr, bytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  auto* start = static_cast<char*>(mapping);
  if (mprotect(start + kGuardBytes, stack_bytes_, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping, bytes);
    return nullptr;
  }
  return std::unique_ptr<Fiber>(new Fiber(start, bytes));
}

void FiberPool::give(std::unique_ptr<Fiber> fiber) {
  SKEP_ASSERT(fiber->finished());
  if (idle_.size() >= limits::kFiberPoolIdle) return;
  give_back_deep_pages(fiber->bottom_, fiber->top_);
  idle_.push_back(std::move(fiber));
}

}  // namespace skep::loop
