#include "sandbox/sandbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

namespace skep::sandbox {
namespace {

constexpr uid_t kUser = 65534;

int wait_for(pid_t pid) {
  int status = 0;
  EXPECT_EQ(waitpid(pid, &status, 0), pid);
  return status;
}

// Runs `body` in a child; returns its wait status.
int run(const std::function<int(Sandbox&)>& body, Level level = Level::full) {
  auto child = spawn({.level = level, .uid = kUser, .gid = kUser}, body);
  if (!child) {
    ADD_FAILURE() << child.error().message;
    return -1;
  }
  return wait_for(child->pid);
}

// All steps but the ring and seccomp.
bool enter_without_seccomp(Sandbox& sandbox) {
  return sandbox.enter_filesystem() && sandbox.apply_limits({.threads = 3}) &&
         sandbox.drop_privileges();
}
bool enter(Sandbox& sandbox) {
  return enter_without_seccomp(sandbox) && sandbox.apply_seccomp({}).has_value();
}

#define EXPECT_EXIT_STATUS(status, value)         \
  do {                                            \
    const int seen_status = (status);             \
    EXPECT_TRUE(WIFEXITED(seen_status));          \
    EXPECT_EQ(WEXITSTATUS(seen_status), (value)); \
  } while (0)

TEST(Spawn, ChildIsFirstProcessOfItsNamespaceAndUnprivilegedOutside) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int keep[] = {ends[1]};
  auto child = spawn({.uid = kUser, .gid = kUser, .keep_fds = keep}, [&](Sandbox& sandbox) {
    struct stat facts{};
    const bool right = getpid() == 1 && gettid() == 1 && sandbox.missing().empty() &&
                       getuid() == geteuid() && getuid() != 0 && getsid(0) == 1;
    if (write(ends[1], right ? "y" : "n", 1) != 1) return 1;
    return fstat(ends[0], &facts) == -1 && errno == EBADF ? 7 : 2;  // not in keep_fds
  });
  ASSERT_TRUE(child) << child.error().message;
  char answer = 0;
  ASSERT_EQ(read(ends[0], &answer, 1), 1);
  EXPECT_EQ(answer, 'y');
  pollfd entry{.fd = child->pidfd.get(), .events = POLLIN};
  EXPECT_EQ(poll(&entry, 1, 10'000), 1);
  std::ifstream status_file("/proc/" + std::to_string(child->pid) + "/status");
  const std::string facts(std::istreambuf_iterator<char>(status_file), {});
  const uid_t expected = geteuid() == 0 ? kUser : geteuid();
  EXPECT_NE(facts.find("\nUid:\t" + std::to_string(expected) + "\t"), std::string::npos) << facts;
  EXPECT_EXIT_STATUS(wait_for(child->pid), 7);
  close(ends[0]);
  close(ends[1]);
}

TEST(Spawn, MainThreadIsFoundByItsIdAfterTheClone) {
  EXPECT_EXIT_STATUS(run([](Sandbox&) {
                       clockid_t clock = 0;
                       timespec time{};
                       const pthread_t self = pthread_self();
                       int result = -1;
                       std::thread([&] {
                         result = pthread_getcpuclockid(self, &clock) == 0 &&
                                          clock_gettime(clock, &time) == 0 &&
                                          pthread_kill(self, 0) == 0
                                      ? 0
                                      : 1;
                       }).join();
                       return result;
                     }),
                     0);
}

TEST(Spawn, RefusesToRunAShardAsRoot) {
  if (geteuid() != 0) GTEST_SKIP() << "an ordinary user can't choose";
  auto child = spawn({.uid = 0, .gid = 0}, [](Sandbox&) { return 0; });
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().message.find("root"), std::string::npos);
}

TEST(Spawn, AbortHasAStatusOfItsOwn) {
  EXPECT_EXIT_STATUS(run([](Sandbox&) -> int { abort(); }), 134);
}

TEST(Spawn, ChildDiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t parent = fork();
  if (parent == 0) {
    const int keep[] = {ends[1]};
    auto child = spawn({.uid = kUser, .gid = kUser, .keep_fds = keep}, [](Sandbox& sandbox) {
      if (!enter(sandbox)) return 1;
      for (;;) pause();
    });
    _exit(child ? 0 : 1);
  }
  close(ends[1]);
  EXPECT_EXIT_STATUS(wait_for(parent), 0);
  // The child held the last writing end; it is gone when we read the end of the file.
  pollfd entry{.fd = ends[0], .events = POLLIN};
  EXPECT_EQ(poll(&entry, 1, 10'000), 1);
  EXPECT_NE(entry.revents & POLLHUP, 0);
  close(ends[0]);
}

TEST(Filesystem, RootIsEmptyAndReadOnly) {
  EXPECT_EXIT_STATUS(run([](Sandbox& sandbox) {
                       if (!sandbox.enter_filesystem()) return 1;
                       DIR* root = opendir("/");
                       if (root == nullptr) return 2;
                       for (const dirent* entry = readdir(root); entry; entry = readdir(root)) {
                         if (entry->d_name[0] != '.') return 3;
                       }
                       if (open("/etc/passwd", O_RDONLY) != -1 || errno != ENOENT) return 4;
                       if (open("/proc/self/maps", O_RDONLY) != -1 || errno != ENOENT) return 5;
                       if (mkdir("/new", 0700) != -1 || errno != EROFS) return 6;
                       if (open("..", O_RDONLY | O_PATH) == -1) return 7;
                       return open("../etc", O_RDONLY) == -1 ? 0 : 8;
                     }),
                     0);
}

TEST(Privileges, NoneAreLeftNorToBeHad) {
  EXPECT_EXIT_STATUS(run([](Sandbox& sandbox) {
                       if (!enter_without_seccomp(sandbox)) return 1;
                       __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
                       __user_cap_data_struct sets[2] = {};
                       if (syscall(SYS_capget, &header, sets) != 0) return 2;
                       for (const auto& set : sets) {
                         if ((set.effective | set.permitted | set.inheritable) != 0) return 3;
                       }
                       for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; ++i) {
                         if (prctl(PR_CAPBSET_READ, i) != 0) return 4;
                       }
                       if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 5;
                       if (prctl(PR_GET_DUMPABLE) != 0) return 6;
                       char name[64] = "";
                       gethostname(name, sizeof name);
                       if (std::string_view(name) != "skep") return 7;
                       if (getgroups(0, nullptr) != 0 && getuid() == kUser) return 8;
                       return setuid(0) == -1 && unshare(CLONE_NEWUTS) == -1 ? 0 : 9;
                     }),
                     0);
}

TEST(Limits, ThreadsHaveABoundAndCantBeRaised) {
  EXPECT_EXIT_STATUS(run([](Sandbox& sandbox) {
                       if (!enter_without_seccomp(sandbox)) return 1;
                       const pid_t first = fork();
                       if (first == 0) {
                         for (;;) pause();
                       }
                       const pid_t second = fork();
                       if (second == 0) {
                         for (;;) pause();
                       }
                       if (first < 0 || second < 0) return 2;
                       if (fork() != -1 || errno != EAGAIN) return 3;  // 3 were allowed
                       const rlimit more{100, 100};
                       if (setrlimit(RLIMIT_NPROC, &more) != -1) return 4;
                       rlimit core{};
                       getrlimit(RLIMIT_CORE, &core);
                       return core.rlim_max == 0 ? 0 : 5;
                     }),
                     0);
}

TEST(Seccomp, OrdinaryWorkGoesOn) {
  EXPECT_EXIT_STATUS(run([](Sandbox& sandbox) {
                       if (!enter(sandbox)) return 1;
                       std::vector<char> memory(64 << 20, 'x');
                       int sum = 0;
                       std::thread([&] { sum = memory[100] + 1; }).join();
                       if (sum != 'x' + 1) return 2;
                       const time_t now = time(nullptr);
                       tm local{};
                       if (localtime_r(&now, &local) == nullptr) return 3;  // looks for a time zone
                       struct stat facts{};
                       if (fstat(STDERR_FILENO, &facts) != 0) return 5;
                       if (open("/etc/localtime", O_RDONLY) != -1 || errno != EPERM) return 4;
                       return 0;
                     }),
                     0);
}

TEST(Seccomp, HostileCallsEndTheProcess) {
  const int status = run([](Sandbox& sandbox) {
    if (!enter(sandbox)) return 1;
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 2 : 3;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

TEST(Seccomp, HoldsOnThreadsThatWereThereBefore) {
  const int status = run([](Sandbox& sandbox) {
    if (!enter_without_seccomp(sandbox)) return 1;
    int ends[2];
    if (pipe(ends) != 0) return 2;
    std::thread other([&] {
      char go;
      if (read(ends[0], &go, 1) == 1) socket(AF_INET, SOCK_STREAM, 0);
    });
    if (!sandbox.apply_seccomp({})) return 3;
    if (write(ends[1], "1", 1) != 1) return 4;
    other.join();
    return 0;
  });
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGSYS);
}

TEST(Seccomp, ReportModeNamesTheCall) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const int keep[] = {ends[1]};
  auto child = spawn({.uid = kUser, .gid = kUser, .keep_fds = keep}, [&](Sandbox& sandbox) {
    if (dup2(ends[1], STDERR_FILENO) < 0 || !enter_without_seccomp(sandbox) ||
        !sandbox.apply_seccomp({.report_violations = true})) {
      return 1;
    }
    return static_cast<int>(syscall(SYS_ptrace, 0, 0, 0, 0));
  });
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EXIT_STATUS(wait_for(child->pid), 159);
  char text[128];
  const ssize_t bytes = read(ends[0], text, sizeof text);
  ASSERT_GT(bytes, 0);
  EXPECT_EQ(std::string_view(text, static_cast<size_t>(bytes)),
            "skep: forbidden system call 101\n");
  close(ends[0]);
  close(ends[1]);
}

// Runs `body` in a user namespace in which no further one can be made, as on a machine that forbids
// them. Its exit status: body's.
int run_without_user_namespaces(const std::function<int()>& body) {
  return run([&](Sandbox&) {
    std::ofstream("/proc/sys/user/max_user_namespaces") << "0\n";
    return body();
  });
}

TEST(Levels, FullNamesWhatIsMissing) {
  EXPECT_EXIT_STATUS(run_without_user_namespaces([] {
                       auto child = spawn({}, [](Sandbox&) { return 0; });
                       if (child) return 1;
                       const std::string& text = child.error().message;
                       return text.find("user namespace: ") != std::string::npos &&
                                      text.find("max_user_namespaces is 0") != std::string::npos
                                  ? 0
                                  : 2;
                     }),
                     0);
}

TEST(Levels, ReducedGoesOnAndSaysWhatIsMissing) {
  EXPECT_EXIT_STATUS(
      run_without_user_namespaces([] {
        // The capabilities of this namespace still give the other namespaces.
        auto child = spawn({.level = Level::reduced}, [](Sandbox& sandbox) {
          return sandbox.lacks(Piece::user_namespace) && getpid() == 1 && enter(sandbox) ? 0 : 1;
        });
        if (!child) return 100;
        if (child->missing.size() != 1) return 101;
        int status = 0;
        waitpid(child->pid, &status, 0);
        return WEXITSTATUS(status);
      }),
      0);
}

TEST(Levels, ReducedWithoutAnyNamespaceStillHasSeccomp) {
  EXPECT_EXIT_STATUS(run_without_user_namespaces([] {
                       __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
                       __user_cap_data_struct none[2] = {};
                       if (syscall(SYS_capset, &header, none) != 0) return 100;
                       auto child = spawn({.level = Level::reduced}, [](Sandbox& sandbox) {
                         if (!enter(sandbox)) return 1;
                         if (!sandbox.lacks(Piece::empty_root)) return 2;
                         if (!sandbox.lacks(Piece::capabilities)) return 3;  // the bounding set
                         socket(AF_INET, SOCK_STREAM, 0);
                         return 4;
                       });
                       if (!child) return 101;
                       int status = 0;
                       waitpid(child->pid, &status, 0);
                       return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 0 : 102;
                     }),
                     0);
}

TEST(Probe, FindsNothingMissingOrNamesIt) {
  auto missing = probe(kUser, kUser);
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_EQ(describe(*missing), "");
  EXPECT_EXIT_STATUS(run_without_user_namespaces([] {
                       auto less = probe(kUser, kUser);
                       return less && !less->empty() &&
                                      less->front().piece == Piece::user_namespace &&
                                      describe(*less).starts_with("user namespace: ")
                                  ? 0
                                  : 1;
                     }),
                     0);
}

}  // namespace
}  // namespace skep::sandbox
