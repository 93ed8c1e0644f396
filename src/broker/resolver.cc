#include "broker/resolver.h"

#include <ares.h>
#include <fmt/format.h>
#include <liburing.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/limits_outbound.h"
#include "base/log.h"

namespace skep::broker {
namespace {

constexpr int64_t kNsOfMs = 1'000'000;

// c-ares wants brackets only where a port follows.
std::string csv(const std::vector<std::string>& servers) {
  std::string out;
  for (std::string_view one : servers) {
    if (one.starts_with('[') && one.ends_with(']')) one = one.substr(1, one.size() - 2);
    out.append(out.empty() ? "" : ",").append(one);
  }
  return out;
}

struct FileMark {
  ino_t inode = 0;
  int64_t changed_ns = 0;
  bool operator==(const FileMark&) const = default;
};

FileMark resolv_conf_mark() {
  struct stat status = {};
  if (stat("/etc/resolv.conf", &status) != 0) return {};
  return {status.st_ino, status.st_mtim.tv_sec * 1'000'000'000 + status.st_mtim.tv_nsec};
}

int code_of(int status) {
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
      return ENOENT;
    case ARES_ETIMEOUT:
      return ETIMEDOUT;
    default:
      return EIO;
  }
}

std::optional<IpBytes> address_of(const ares_addrinfo_node& node) {
  IpBytes bytes{};
  if (node.ai_family == AF_INET && node.ai_addrlen >= sizeof(sockaddr_in)) {
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(&bytes[12], &reinterpret_cast<const sockaddr_in*>(node.ai_addr)->sin_addr, 4);
    return bytes;
  }
  if (node.ai_family == AF_INET6 && node.ai_addrlen >= sizeof(sockaddr_in6)) {
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(node.ai_addr)->sin6_addr, 16);
    return bytes;
  }
  return std::nullopt;
}

}  // namespace

struct Resolver::Impl {
  // A poll of a socket of c-ares. It deletes itself with its completion.
  class Watch final : public loop::Completion {
   public:
    Watch(Impl& owner, int socket, unsigned events) : impl(&owner), fd(socket) {
      io_uring_prep_poll_add(impl->loop.prepare(this), fd, events);
    }
    void complete(int32_t result, uint32_t, bool) override {
      const std::unique_ptr<Watch> self(this);
      if (impl != nullptr) impl->ready(fd, result);
    }

    Impl* impl;  // null: given up
    const int fd;
  };

  struct Polled {
    unsigned events = 0;
    Watch* watch = nullptr;  // null while its events are handled
  };

  struct Entry {
    Answer answer;
    int64_t expires_ns = 0;
    bool asking = false;
    std::vector<Done> waiters;
  };

  struct Query {
    Impl& impl;
    std::string name;
  };

  Impl(loop::Loop& l, std::vector<std::string> s)
      : loop(l), servers(std::move(s)), timer(l, [this] {
          ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
          set_timer();
        }) {}

  ~Impl() { close(); }

  Result<> open() {
    ares_options options = {};
    options.timeout = limits::kResolverTimeoutMs;
    options.tries = limits::kResolverTries;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int read, int write) {
      static_cast<Impl*>(self)->watch(
          fd, static_cast<unsigned>((read != 0 ? POLLIN : 0) | (write != 0 ? POLLOUT : 0)));
    };
    options.sock_state_cb_data = this;
    int status = ares_init_options(&channel, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS && !servers.empty()) {
      status = ares_set_servers_ports_csv(channel, csv(servers).c_str());
    }
    if (status == ARES_SUCCESS) return {};
    return fail(fmt::format("cannot set up the resolver: {}", ares_strerror(status)));
  }

  // Its queries are told so, and are forgotten; its sockets are closed.
  void close() {
    if (channel != nullptr) ares_destroy(channel);
    channel = nullptr;
    for (auto& [fd, polled] : sockets) give_up(polled);
    sockets.clear();
  }

  void give_up(Polled& polled) {
    if (polled.watch == nullptr) return;
    polled.watch->impl = nullptr;
    loop.cancel(polled.watch);
    polled.watch = nullptr;
  }

  void arm(int fd, Polled& polled) { polled.watch = new Watch(*this, fd, polled.events); }

  // c-ares says what it waits for on a socket, when that changes; no events: it closes it.
  void watch(int fd, unsigned events) {
    Polled& polled = sockets[fd];
    if (events == polled.events && polled.watch != nullptr) return;
    give_up(polled);
    polled.events = events;
    if (events == 0) {
      sockets.erase(fd);
    } else {
      arm(fd, polled);
    }
  }

  void ready(int fd, int32_t result) {
    Polled& polled = sockets.at(fd);
    polled.watch = nullptr;
    unsigned events = static_cast<unsigned>(result < 0 ? POLLERR : result);
    if ((events & (POLLERR | POLLHUP | POLLNVAL)) != 0) events |= POLLIN | POLLOUT;
    events &= polled.events;
    ares_process_fd(channel, (events & POLLIN) != 0 ? fd : ARES_SOCKET_BAD,
                    (events & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
    // Not where it was closed, or closed and opened again.
    const auto still = sockets.find(fd);
    if (still != sockets.end() && still->second.watch == nullptr) arm(fd, still->second);
    set_timer();
  }

  void set_timer() {
    if (channel == nullptr) return;
    timeval time = {};
    if (ares_timeout(channel, nullptr, &time) == nullptr) return timer.cancel();
    timer.set_ms(time.tv_sec * 1000 + time.tv_usec / 1000 + 1);
  }

  // The system's configuration may change while we run: it is read again, in a quiet moment.
  void look_at_config() {
    if (!servers.empty() || asking > 0) return;
    const int64_t now_ns = loop.now_ns();
    if (now_ns - config_seen_ns < limits::kResolverConfigMs * kNsOfMs) return;
    config_seen_ns = now_ns;
    const FileMark mark = resolv_conf_mark();
    if (mark == config_mark) return;
    config_mark = mark;
    close();
    if (auto opened = open(); !opened) log_warn("{}", opened.error().message);
  }

  // Room for one name more; false: all that is known is being asked for.
  bool make_room() {
    if (names.size() < limits::kResolverNames) return true;
    const int64_t now_ns = loop.now_ns();
    std::erase_if(names, [&](const auto& one) {
      return !one.second.asking && one.second.expires_ns < now_ns;
    });
    for (auto at = names.begin(); names.size() >= limits::kResolverNames && at != names.end();) {
      at = at->second.asking ? std::next(at) : names.erase(at);
    }
    return names.size() < limits::kResolverNames;
  }

  void resolve(const std::string& name, Done done) {
    look_at_config();
    auto found = names.find(name);
    if (found != names.end() && !found->second.asking && found->second.expires_ns > loop.now_ns()) {
      const Answer answer = found->second.answer;
      return done(answer);
    }
    if (channel == nullptr) return done({{}, EIO});
    if (waiting >= limits::kResolverWaiting || (found == names.end() && !make_room())) {
      return done({{}, EAGAIN});
    }
    Entry& entry = names[name];
    entry.waiters.push_back(std::move(done));
    ++waiting;
    if (entry.asking) return;
    entry.asking = true;
    ++asking;
    ares_addrinfo_hints hints = {};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    // "Query" deletes itself in answered(), which may be called from here.
    ares_getaddrinfo(channel, name.c_str(), nullptr, &hints, answered, new Query{*this, name});
    set_timer();
  }

  static void answered(void* argument, int status, int, ares_addrinfo* info) {
    const std::unique_ptr<Query> query(static_cast<Query*>(argument));
    Impl& self = query->impl;
    Entry& entry = self.names.at(query->name);
    entry.asking = false;
    --self.asking;
    auto waiters = std::exchange(entry.waiters, {});
    self.waiting -= waiters.size();
    entry.answer = {};
    if (status == ARES_EDESTRUCTION) return;  // where the resolver goes: nobody is called
    int64_t ttl_ms = limits::kResolverMostTtlMs;
    for (auto* node = info == nullptr ? nullptr : info->nodes; node != nullptr;
         node = node->ai_next) {
      if (entry.answer.addresses.size() >= limits::kOutboundAddresses) break;
      if (const auto address = address_of(*node)) entry.answer.addresses.push_back(*address);
      ttl_ms = std::min<int64_t>(ttl_ms, int64_t{std::max(node->ai_ttl, 0)} * 1000);
    }
    ttl_ms = std::max(ttl_ms, limits::kResolverLeastTtlMs);
    if (info != nullptr) ares_freeaddrinfo(info);
    if (entry.answer.addresses.empty()) {
      entry.answer.code = status == ARES_SUCCESS ? ENOENT : code_of(status);
      ttl_ms =
          entry.answer.code == ENOENT ? limits::kResolverNegativeMs : limits::kResolverFailedMs;
    }
    entry.expires_ns = self.loop.now_ns() + ttl_ms * kNsOfMs;
    const Answer answer = entry.answer;
    for (const Done& done : waiters) done(answer);
  }

  loop::Loop& loop;
  const std::vector<std::string> servers;
  ares_channel channel = nullptr;
  std::unordered_map<int, Polled> sockets;
  loop::Timer timer;
  std::unordered_map<std::string, Entry> names;
  size_t asking = 0, waiting = 0;
  FileMark config_mark;
  int64_t config_seen_ns = 0;
};

Result<std::unique_ptr<Resolver>> Resolver::create(loop::Loop& loop,
                                                   const std::vector<std::string>& servers) {
  if (const int status = ares_library_init(ARES_LIB_INIT_ALL); status != ARES_SUCCESS) {
    return fail(fmt::format("cannot set up the resolver: {}", ares_strerror(status)));
  }
  auto impl = std::make_unique<Impl>(loop, servers);
  impl->config_mark = resolv_conf_mark();
  SKEP_TRY(impl->open());
  return std::unique_ptr<Resolver>(new Resolver(std::move(impl)));
}

Resolver::Resolver(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Resolver::~Resolver() = default;

void Resolver::resolve(const std::string& name, Done done) {
  impl_->resolve(name, std::move(done));
}

Resolver::Stats Resolver::stats() const {
  return {impl_->names.size(), impl_->asking, impl_->waiting};
}

}  // namespace skep::broker
