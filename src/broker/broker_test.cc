// The broker as a process of its own, with shards that run no JavaScript (testing/fake_zygote.cc).
#include "broker/broker.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <thread>

#include "base/log.h"
#include "broker/run.h"

namespace skep::broker {
namespace {

using namespace std::chrono_literals;

// Waits until `condition` holds; a test that would wait for ever fails instead.
bool eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 1500; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  // As editors do it: a new file takes the place of the old one.
  std::filesystem::create_directories(path.parent_path());
  const std::string temporary = path.string() + "~";
  std::ofstream(temporary) << text;
  std::filesystem::rename(temporary, path);
}

class BrokerTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* zygote = std::getenv("SKEP_FAKE_ZYGOTE");
    ASSERT_NE(zygote, nullptr);
    std::string pattern = "/tmp/broker_test.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    write_file(dir_ / "hello/index.js", "import './lib.js';\nexport default {};\n");
    write_file(dir_ / "hello/lib.js", "export {};\n");
    options_.program = zygote;
    options_.state_dir = dir_ / "state";
    options_.make_state_dir = true;
    options_.shards = 1;
    options_.workers.push_back({dir_ / "hello/index.js", "hello", "", {"example.com/*"}});
    listen("127.0.0.1:0");
  }

  void TearDown() override {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(dir_);
  }

  void listen(const std::string& address) {
    auto parsed = config::parse_listen_address(address);
    ASSERT_TRUE(parsed) << parsed.error().message;
    options_.listeners.push_back(*parsed);
  }

  void behave(const std::string& name) { options_.v8_flags = {"--fake=" + name}; }

  // Starts it in a child whose output goes to a file. `main` runs there.
  void run_in_child(const std::function<int()>& main) {
    pid_ = fork();
    ASSERT_GE(pid_, 0);
    if (pid_ > 0) return;
    const int log = open((dir_ / "log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    _exit(main());
  }

  void start() {
    run_in_child([this] {
      Broker broker(options_);
      broker.on_ready([&] { log_info("ready {}", broker.listeners().names().front()); });
      if (auto started = broker.start(); !started) {
        log_error("{}", started.error().message);
        return 9;
      }
      return broker.run();
    });
  }

  void start_and_wait() {
    start();
    ASSERT_TRUE(eventually([&] { return logged("ready ").find("http") != std::string::npos; }))
        << log();
    const std::string line = logged("ready ");
    port_ = static_cast<uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
  }

  int wait_status() {
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    pid_ = -1;
    return status;
  }
  int exit_status() {
    const int status = wait_status();
    EXPECT_TRUE(WIFEXITED(status)) << status;
    return WEXITSTATUS(status);
  }

  std::string log() {
    std::ifstream file(dir_ / "log");
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  // The last line with this in it.
  std::string logged(std::string_view text) {
    std::ifstream file(dir_ / "log");
    std::string line, found;
    while (std::getline(file, line))
      if (line.find(text) != std::string::npos) found = line;
    return found;
  }
  bool is_logged(std::string_view text) { return !logged(text).empty(); }

  // One connection: what the shard that took it says of itself, or "" where nobody answers.
  std::string ask() {
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return "";
    std::string text(100, '\0');
    size_t have = 0;
    for (ssize_t n; (n = read(fd.get(), text.data() + have, text.size() - have)) > 0;)
      have += static_cast<size_t>(n);
    text.resize(have);
    return text;
  }
  static pid_t pid_of(const std::string& answer) {
    return answer.empty() ? -1 : std::stoi(answer.substr(answer.rfind(' ')));
  }

  std::filesystem::path dir_;
  BrokerOptions options_;
  pid_t pid_ = -1;
  uint16_t port_ = 0;
};

TEST_F(BrokerTest, StartsServesAndDrainsOnSigterm) {
  start_and_wait();
  EXPECT_TRUE(ask().starts_with("shard 0 pid ")) << log();
  EXPECT_TRUE(eventually([&] {
    return is_logged("info worker=fake request=r1 attached as 0 with 1 workers, 1 routes");
  })) << log();
  kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_TRUE(is_logged("drained")) << log();
}

TEST_F(BrokerTest, ReplacesAShardThatWasKilledAndConnectionsWait) {
  options_.shards = 2;
  start_and_wait();
  std::set<pid_t> pids;
  ASSERT_TRUE(eventually([&] {
    pids.insert(pid_of(ask()));
    return pids.size() == 2;
  }));
  const pid_t victim = *pids.begin();
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, victim, 0)));
  ASSERT_EQ(kill(victim, SIGKILL), 0);
  pollfd gone = {process.get(), POLLIN, 0};
  ASSERT_EQ(poll(&gone, 1, 10'000), 1);
  std::set<pid_t> after;
  // Nobody is refused in between: a connection waits in the dead shard's queue for its replacement.
  ASSERT_TRUE(eventually([&] {
    const std::string answer = ask();
    EXPECT_NE(answer, "");
    if (pid_of(answer) != victim) after.insert(pid_of(answer));
    return after.size() == 2;
  }));
  EXPECT_TRUE(after.contains(*pids.rbegin()));
  EXPECT_TRUE(eventually([&] { return is_logged("killed by signal 9"); })) << log();
  kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(BrokerTest, AnUnwellShardServesUntilItsSuccessorDoes) {
  behave("unwell");
  start_and_wait();
  const pid_t first = pid_of(ask());
  ASSERT_TRUE(eventually([&] {
    const std::string answer = ask();
    EXPECT_NE(answer, "");
    return pid_of(answer) != first;
  })) << log();
  EXPECT_TRUE(is_logged("had to leave an isolate behind")) << log();
  EXPECT_TRUE(eventually([&] { return is_logged("drained"); })) << log();
  const UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, first, 0)));
  pollfd gone = {process.get(), POLLIN, 0};
  EXPECT_TRUE(process.get() < 0 || poll(&gone, 1, 10'000) == 1);
  EXPECT_FALSE(is_logged("is gone")) << log();
  kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(BrokerTest, ReplacesAShardOverAndOver) {
  start_and_wait();
  pid_t last = pid_of(ask());
  for (int i = 0; i < 4; ++i) {
    ASSERT_EQ(kill(last, SIGKILL), 0);
    pid_t next = -1;
    ASSERT_TRUE(eventually([&] { return (next = pid_of(ask())) > 0 && next != last; })) << log();
    last = next;
  }
}

TEST_F(BrokerTest, GivesUpWhenShardsDieBeforeTheyAttach) {
  behave("die");
  start();
  EXPECT_EQ(exit_status(), 1);
  EXPECT_TRUE(is_logged("ended 3 times before it was ready")) << log();
}

TEST_F(BrokerTest, SaysWhyTheZygoteGaveUp) {
  behave("refuse");
  start();
  EXPECT_EQ(exit_status(), 1);
  EXPECT_TRUE(is_logged("no user namespaces here")) << log();
}

TEST_F(BrokerTest, SaysThatAProgramCannotBeStarted) {
  options_.program = "/nonexistent/skep";
  start();
  EXPECT_EQ(exit_status(), 1);
  EXPECT_TRUE(is_logged("cannot start the zygote: No such file")) << log();
}

TEST_F(BrokerTest, SecondSignalEndsAtOnce) {
  behave("stuck");
  start_and_wait();
  kill(pid_, SIGTERM);
  ASSERT_TRUE(eventually([&] { return is_logged("ending: requests in flight"); }));
  kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 128 + SIGTERM);
}

TEST_F(BrokerTest, HostileCallsAreRefused) {
  behave("hostile");
  start_and_wait();
  ASSERT_TRUE(eventually([&] { return is_logged("hostile done"); })) << log();
  for (const char* what :
       {"attach", "version", "referrer", "length", "kind", "module", "empty", "derived"})
    EXPECT_TRUE(is_logged(fmt::format("refused {}", what))) << what << "\n" << log();
  EXPECT_FALSE(is_logged("ALLOWED")) << log();
  // Neither a line of its own nor a sequence for the terminal.
  EXPECT_TRUE(is_logged("line\\nerror forged \\x1b[2J\\xff")) << log();
}

TEST_F(BrokerTest, WorkersAreLoadedAndResolved) {
  behave("load");
  start_and_wait();
  ASSERT_TRUE(eventually([&] { return is_logged("resolved "); })) << log();
  EXPECT_TRUE(is_logged("loaded hello version 1 main index.js bytes 38 modules 1")) << log();
  EXPECT_TRUE(is_logged("resolved lib.js")) << log();
}

TEST_F(BrokerTest, TheNextShardGetsWhatTheFirstAskedFor) {
  write_file(dir_ / "hello/index.js", "export const f = () => import('./lib.js');\n");
  behave("load");
  start_and_wait();
  ASSERT_TRUE(eventually([&] { return is_logged("resolved lib.js"); })) << log();
  EXPECT_TRUE(is_logged("version 1 main index.js bytes 43 modules 0")) << log();
  ASSERT_EQ(kill(pid_of(ask()), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return is_logged("version 1 main index.js bytes 43 modules 1"); }))
      << log();
}

TEST_F(BrokerTest, SighupReloadsWhatHasChanged) {
  behave("load");
  start_and_wait();
  ASSERT_TRUE(eventually([&] { return is_logged("resolved lib.js"); })) << log();
  kill(pid_, SIGHUP);
  write_file(dir_ / "hello/index.js", "import './lib.js';\nexport default { a: 1 };\n");
  kill(pid_, SIGHUP);
  // The first may have met the file half written, which is a version of its own.
  EXPECT_TRUE(eventually([&] { return is_logged("reload worker 0 version "); })) << log();
  EXPECT_TRUE(eventually([&] { return is_logged("main index.js bytes 44 modules 1"); })) << log();
}

TEST_F(BrokerTest, DevReloadsOnChange) {
  behave("load");
  options_.mode = Mode::dev;
  start_and_wait();
  ASSERT_TRUE(eventually([&] { return is_logged("resolved lib.js"); })) << log();
  write_file(dir_ / "hello/index.js", "import './lib.js';\nexport default { a: 1 };\n");
  EXPECT_TRUE(eventually([&] { return is_logged("reloaded hello (changed: index.js)"); })) << log();
  EXPECT_TRUE(eventually([&] { return is_logged("loaded hello version 2"); })) << log();
  // A module that was found by an import is watched too. The watch begins a moment after it was
  // read.
  std::this_thread::sleep_for(200ms);
  write_file(dir_ / "hello/lib.js", "export const x = 1;\n");
  EXPECT_TRUE(eventually([&] { return is_logged("(changed: lib.js)"); })) << log();
}

TEST_F(BrokerTest, DevKeepsTheOldVersionOfABrokenProject) {
  behave("load");
  options_.mode = Mode::dev;
  options_.workers[0].path = dir_ / "project";
  write_file(dir_ / "project/wrangler.toml", "name = 'project'\nmain = 'index.js'\n");
  write_file(dir_ / "project/index.js", "export default {};\n");
  write_file(dir_ / "project/lib.js", "export {};\n");
  start_and_wait();
  ASSERT_TRUE(eventually([&] { return is_logged("resolved lib.js"); })) << log();
  write_file(dir_ / "project/wrangler.toml", "name = 'project'\nmain = 7\n");
  EXPECT_TRUE(eventually([&] { return is_logged("goes on as it was"); })) << log();
  EXPECT_TRUE(is_logged("wrangler.toml:2:")) << log();
  write_file(dir_ / "project/wrangler.toml", "name = 'project'\nmain = 'index.js'\n#\n");
  EXPECT_TRUE(eventually([&] { return is_logged("reloaded hello (changed: wrangler.toml)"); }))
      << log();
}

TEST_F(BrokerTest, SaysWhoHasThePort) {
  const UniqueFd taken(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(taken.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(taken.get(), 1), 0);
  socklen_t bytes = sizeof address;
  ASSERT_EQ(getsockname(taken.get(), reinterpret_cast<sockaddr*>(&address), &bytes), 0);
  const std::string where = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  options_.listeners.clear();
  listen(where);
  start();
  EXPECT_EQ(exit_status(), 9);
  EXPECT_TRUE(is_logged(fmt::format("cannot listen at {}", where))) << log();
  EXPECT_TRUE(is_logged(fmt::format("(process {}) listens there", getpid()))) << log();
}

TEST_F(BrokerTest, ServesAUnixSocketAndRemovesIt) {
  const std::string path = dir_ / "http.sock";
  options_.shards = 2;
  listen("unix:" + path);
  start_and_wait();
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
  const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, path.c_str());
  ASSERT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  char text[6] = {};
  EXPECT_EQ(read(fd.get(), text, 5), 5);
  EXPECT_STREQ(text, "shard");
  kill(pid_, SIGTERM);
  EXPECT_EQ(exit_status(), 0);
  EXPECT_NE(stat(path.c_str(), &status), 0);
}

TEST_F(BrokerTest, StateFolderMustBeWritable) {
  write_file(dir_ / "file", "");
  options_.state_dir = dir_ / "file";
  start();
  EXPECT_EQ(exit_status(), 9);
  EXPECT_TRUE(is_logged("is not a folder")) << log();
}

// The commands find the fake zygote in the place of this program.
TEST_F(BrokerTest, OneTaskOnOneShard) {
  options_.mode = Mode::once;
  options_.listeners.clear();
  run_in_child([this] {
    Broker broker(options_);
    kj::Maybe<kj::Promise<void>> running;
    broker.on_ready([&] {
      running = broker.shard(0)
                    .statsRequest()
                    .send()
                    .then([&](auto&& answer) {
                      broker.finish(static_cast<int>(answer.getStats().getRequests() % 100));
                    })
                    .eagerlyEvaluate(nullptr);
    });
    if (!broker.start()) return 9;
    return broker.run();
  });
  EXPECT_EQ(exit_status(), 34);
}

TEST_F(BrokerTest, ALostShardEndsATask) {
  options_.mode = Mode::once;
  options_.listeners.clear();
  run_in_child([this] {
    Broker broker(options_);
    broker.on_ready([&] { log_info("ready"); });
    if (!broker.start()) return 9;
    return broker.run();
  });
  ASSERT_TRUE(eventually([&] { return is_logged("ready"); }));
  const std::string children = fmt::format("/proc/{}/task/{}/children", pid_, pid_);
  pid_t zygote = 0;
  std::ifstream(children) >> zygote;
  ASSERT_GT(zygote, 0);
  ASSERT_EQ(kill(zygote, SIGKILL), 0);
  EXPECT_EQ(exit_status(), 1);
}

}  // namespace
}  // namespace skep::broker
