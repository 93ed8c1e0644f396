// usage: sandbox_attempts [--self-check | --as-user]
//   without an option: all attempts behind all walls, those that other walls refuse again without
//   seccomp, the ring, the surface; then, where it runs as root, the same as an ordinary user; then
//   the self-check.
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "attempts.h"

namespace skep::attempts {

namespace {

constexpr uid_t kNobody = 65534;

[[noreturn]] void give_up(const char* what) {
  perror(what);
  exit(1);
}

Given prepare() {
  Given given;
  given.broker = getpid();
  given.listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(given.listener, generic, length) != 0 || listen(given.listener, 8) != 0 ||
      getsockname(given.listener, generic, &length) != 0) {
    give_up("cannot listen on loopback");
  }
  given.port = ntohs(address.sin_port);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) give_up("cannot make a socket pair");
  given.connected = ends[0];
  given.file = open("/proc/self/exe", O_RDONLY);
  given.folder = open("/", O_RDONLY | O_DIRECTORY);
  given.mounts = open("/proc/self/ns/mnt", O_RDONLY);
  if (given.file < 0 || given.folder < 0 || given.mounts < 0) give_up("cannot open what is given");
  return given;
}

void run_all(Report& report, const Given& given, Walls walls) {
  for (const auto attempts :
       {file_attempts(), process_attempts(), network_attempts(), kernel_attempts()}) {
    run_attempts(report, given, attempts, walls);
  }
}

int finish(const Report& report) {
  printf("%d passed, %d failed\n", report.passed(), report.failed());
  return report.failed() == 0 ? 0 : 1;
}

void run_walls(Report& report) {
  const Given given = prepare();
  run_all(report, given, Walls::all);
  run_all(report, given, Walls::without_seccomp);
  run_ring_attempts(report, Walls::all);
  run_surface(report);
}

void run_self_check(Report& report) {
  run_all(report, prepare(), Walls::none);
  run_ring_attempts(report, Walls::none);
}

// The rest of this program is an ordinary user's. Dumpable again, as after an exec: the new
// process's id maps must be ours to write.
void become_nobody() {
  if (geteuid() != 0) return;
  if (setgroups(0, nullptr) != 0 || setresgid(kNobody, kNobody, kNobody) != 0 ||
      setresuid(kNobody, kNobody, kNobody) != 0 || prctl(PR_SET_DUMPABLE, 1) != 0) {
    give_up("cannot become an ordinary user");
  }
}

int main_with(std::string_view option) {
  setvbuf(stdout, nullptr, _IOLBF, 0);
  Report report;
  if (option == "--self-check") {
    run_self_check(report);
    return finish(report);
  }
  if (option == "--as-user") become_nobody();
  printf("# as user %u\n", geteuid());
  run_walls(report);
  if (option.empty()) run_self_check(report);
  if (option.empty() && geteuid() == 0) {
    // Last: there is no way back. Its own Given, since files were opened by root before.
    become_nobody();
    printf("# as user %u\n", geteuid());
    run_walls(report);
  }
  return finish(report);
}

}  // namespace

}  // namespace skep::attempts

int main(int count, char** arguments) {
  return skep::attempts::main_with(count > 1 ? arguments[1] : "");
}
