#include "walls.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "sandbox/sandbox.h"

namespace skep::attempts {

namespace {

constexpr int kExitNoWalls = 99;

Result<std::unique_ptr<loop::Loop>> make_loop(bool restricted) {
  return loop::Loop::create({.entries = 64,
                             .fixed_files = 64,
                             .recv_buffer_bytes = 4096,
                             .recv_buffer_count = 8,
                             .restricted = restricted});
}

Result<std::unique_ptr<loop::Loop>> raise(sandbox::Sandbox& sandbox, Walls walls) {
  SKEP_TRY(sandbox.enter_filesystem());
  SKEP_TRY(sandbox.apply_limits({.threads = 4}));
  SKEP_TRY_ASSIGN(auto made, make_loop(true));
  SKEP_TRY(sandbox.note(sandbox::Piece::ring, made->restrict_and_enable()));
  SKEP_TRY(sandbox.drop_privileges());
  if (walls == Walls::all) SKEP_TRY(sandbox.apply_seccomp({}));
  return made;
}

int run_without_walls(const std::function<int(loop::Loop&)>& body) {
  auto made = make_loop(false);
  if (!made) {
    fprintf(stderr, "%s\n", made.error().message.c_str());
    return kExitNoWalls;
  }
  return body(**made);
}

int run_behind_walls(sandbox::Sandbox& sandbox, Walls walls,
                     const std::function<int(loop::Loop&)>& body) {
  auto made = raise(sandbox, walls);
  if (!made) {
    fprintf(stderr, "%s\n", made.error().message.c_str());
    return kExitNoWalls;
  }
  const int status = body(**made);
  _exit(status);  // before the loop's end: it has system calls of its own
}

}  // namespace

pid_t start_with_loop(Walls walls, std::span<const int> keep_fds,
                      const std::function<int(loop::Loop&)>& body) {
  fflush(stdout);
  if (walls == Walls::none) {
    const pid_t pid = fork();
    if (pid == 0) _exit(run_without_walls(body));
    return pid;
  }
  auto child = sandbox::spawn({.keep_fds = keep_fds}, [&](sandbox::Sandbox& sandbox) {
    return run_behind_walls(sandbox, walls, body);
  });
  if (!child) {
    fprintf(stderr, "%s\n", child.error().message.c_str());
    exit(1);
  }
  return child->pid;
}

pid_t start(Walls walls, std::span<const int> keep_fds, const std::function<int()>& body) {
  return start_with_loop(walls, keep_fds, [&](loop::Loop&) { return body(); });
}

}  // namespace skep::attempts
