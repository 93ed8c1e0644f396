// tests/sandbox: a program that starts processes behind a shard's real walls (the same steps, the
// same restricted ring) and attempts there what a shard must never do. One attempt a process, since
// most end it. Each attempt says exactly how it is refused; another refusal fails the test too, so
// that a change of policy is a change here. The self-check runs the harmless attempts without walls
// and shows that they succeed there: a test that could not fail proves nothing.
#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>

namespace skep::attempts {

// What an attempt may use, made outside the walls.
struct Given {
  pid_t broker = 0;    // a process of the same user outside, by its number outside
  int listener = -1;   // a listening TCP socket on loopback
  int connected = -1;  // one end of a connected UNIX socket
  int file = -1;       // a program, opened for reading
  int folder = -1;     // "/", opened
  int mounts = -1;     // a mount namespace: /proc/PID/ns/mnt of outside
  unsigned port = 0;   // where `listener` listens
};

inline constexpr int kKilled = -1;  // Attempt::refusal: the kernel ends the process with SIGSYS

struct Attempt {
  std::string_view name;
  int refusal;  // errno, or kKilled
  // 0 or more: done. -1: errno says why not.
  long (*act)(const Given&);
  // Run by the self-check, where it must succeed.
  bool harmless = false;
  // errno with all walls but seccomp, where they refuse it by themselves; 0: not tried.
  int refusal_by_walls = 0;
};

std::span<const Attempt> file_attempts();
std::span<const Attempt> process_attempts();
std::span<const Attempt> network_attempts();
std::span<const Attempt> kernel_attempts();

// Counts and prints results: "PASS name: how", "FAIL name: how, expected …".
class Report {
 public:
  void pass(std::string_view name, std::string_view how);
  void fail(std::string_view name, std::string_view how);
  int passed() const { return passed_; }
  int failed() const { return failed_; }

 private:
  int passed_ = 0;
  int failed_ = 0;
};

enum class Walls { all, without_seccomp, none };

// Attempts behind walls; with Walls::none only the harmless ones, which must succeed.
void run_attempts(Report& report, const Given& given, std::span<const Attempt> attempts,
                  Walls walls);
// Every operation and flag of the ring: what is not on the loop's list is refused.
void run_ring_attempts(Report& report, Walls walls);
// Every system call number: those that do not end the process are exactly the listed ones.
void run_surface(Report& report);

}  // namespace skep::attempts
