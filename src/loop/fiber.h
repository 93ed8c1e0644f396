// Fibers: stacks of their own on one thread. JavaScript runs on a fiber so that the watchdog's
// interrupt can leave it in the middle of a loop and come back later (isolate/). Nothing else in the
// program needs a fiber. One thread owns a FiberPool and everything in it.
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

  ~Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // On the loop's stack: runs `entry` on this fiber until it returns or suspends.
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

  // The fiber that runs on this thread now; null on the loop's own stack.
  static Fiber* current();

 private:
  friend class FiberPool;
  friend struct FiberSwitch;
  explicit Fiber(size_t stack_bytes);

  char* mapping_ = nullptr;
  size_t mapping_bytes_ = 0;
  char* bottom_ = nullptr;
  char* top_ = nullptr;
  void* saved_stack_pointer_ = nullptr;   // of the fiber, while it is suspended
  void* loop_stack_pointer_ = nullptr;    // of the loop, while the fiber runs
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  bool running_ = false;
  bool finished_ = true;
};

// Keeps idle fibers; above limits::kFiberPoolIdle they are unmapped. Stacks have a guard page.
class FiberPool {
 public:
  explicit FiberPool(size_t stack_bytes);
  ~FiberPool();
  // Null when the stack cannot be mapped (address space or memory is used up).
  std::unique_ptr<Fiber> take();
  void give(std::unique_ptr<Fiber> fiber);

 private:
  size_t stack_bytes_;
  std::vector<std::unique_ptr<Fiber>> idle_;
};

}  // namespace skep::loop
