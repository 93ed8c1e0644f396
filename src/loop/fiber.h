// Fibers: stacks of their own on one thread. JavaScript runs on a fiber so that the watchdog's
// interrupt can leave it in the middle of a loop and come back later (isolate/). Nothing else in
// the program needs a fiber. One thread owns a FiberPool and everything in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace skep::loop {

class FiberPool;

// A fiber runs one function at a time and goes back to its pool after it.
class Fiber {
 public:
  using Entry = void (*)(void* argument);

  // Of a suspended fiber: its frames are abandoned, no destructor on its stack runs.
  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // On the loop's stack: runs `entry` on this fiber until it returns or suspends. `entry` must not
  // throw, and must not suspend inside a catch block (the C++ runtime counts those by thread).
  // Returns true when entry has returned, false when it suspended.
  bool start(Entry entry, void* argument);
  // On the loop's stack: goes on where the fiber suspended. Returns as start does.
  bool resume();
  // On the fiber: back to the loop's stack.
  void suspend();

  // Lowest address that code on the fiber may use / one past the highest.
  char* stack_bottom() const { return bottom_; }
  char* stack_top() const { return top_; }
  bool running() const { return running_; }
  // True before start() and after entry has returned: only then may it go back to its pool.
  bool finished() const { return finished_; }

  // The fiber that runs on this thread now; null on the loop's own stack.
  static Fiber* current();

 private:
  friend class FiberPool;
  Fiber(char* mapping, size_t mapping_bytes);
  [[noreturn]] static void run(Fiber* fiber);
  void switch_to_loop();

  char* mapping_;
  size_t mapping_bytes_;
  char* bottom_;
  char* top_;
  void* saved_stack_pointer_ = nullptr;  // of the fiber, while it is suspended
  void* loop_stack_pointer_ = nullptr;   // of the loop, while the fiber runs
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  bool running_ = false;
  bool finished_ = true;
  // What AddressSanitizer must know of both stacks; unused without it.
  [[maybe_unused]] void* fake_stack_ = nullptr;
  [[maybe_unused]] const void* loop_bottom_ = nullptr;
  [[maybe_unused]] size_t loop_bytes_ = 0;
};

// Keeps idle fibers; above limits::kFiberPoolIdle they are unmapped. Below each stack lies a guard
// that may not be touched. What a deep run used of a stack goes back to the kernel in give().
class FiberPool {
 public:
  explicit FiberPool(size_t stack_bytes);
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;
  // Null when the stack cannot be mapped (address space, mappings or memory are used up).
  std::unique_ptr<Fiber> take();
  void give(std::unique_ptr<Fiber> fiber);

 private:
  size_t stack_bytes_;
  std::vector<std::unique_ptr<Fiber>> idle_;
};

}  // namespace skep::loop
