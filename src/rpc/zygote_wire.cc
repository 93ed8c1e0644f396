#include "rpc/zygote_wire.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace skep::rpc::zygote {
namespace {

// As they lie on the wire: both ends are the same binary on the same machine.
struct WireRequest {
  uint32_t magic;
  uint32_t index;
  uint32_t sequence;
};

struct WireNotice {
  uint32_t magic;
  uint32_t kind;
  uint32_t sequence;
  int32_t pid;
  int32_t status;
  uint32_t text_bytes;
  std::array<char, kNoticeTextBytes> text;
};

constexpr uint32_t kRequestMagic = 0x534b5051;
constexpr uint32_t kNoticeMagic = 0x534b504e;

Result<> send_wire(int socket, const void* data, size_t bytes, int fd) {
  iovec vector = {const_cast<void*>(data), bytes};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  if (fd >= 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* c = CMSG_FIRSTHDR(&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
  }
  ssize_t n;
  do n = sendmsg(socket, &header, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  if (n < 0) return fail_errno("sending over the zygote's socket", errno);
  return {};
}

// 0 bytes: the other side is gone (no message of ours is empty).
Result<size_t> receive_wire(int socket, void* data, size_t bytes, UniqueFd& fd) {
  iovec vector = {data, bytes};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control = {};
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t n;
  do n = recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == ECONNRESET) return 0;
  if (n < 0) return fail_errno("receiving from the zygote's socket", errno);
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    int received;
    memcpy(&received, CMSG_DATA(c), sizeof received);
    fd.reset(received);
  }
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
    return fail("a message on the zygote's socket is too long");
  return static_cast<size_t>(n);
}

std::optional<std::string_view> value_of(std::string_view option, std::string_view name) {
  if (!option.starts_with(name)) return std::nullopt;
  return option.substr(name.size());
}

template <typename Number>
Result<> parse_number(std::string_view text, std::string_view what, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(fmt::format("zygote: {} is not a number: \"{}\"", what, text));
  return {};
}

}  // namespace

std::vector<std::string> arguments_to_text(const Arguments& arguments) {
  std::vector<std::string> text = {std::string(kCommand)};
  text.push_back(fmt::format("--socket={}", arguments.socket));
  text.push_back(fmt::format("--uid={}", arguments.uid));
  text.push_back(fmt::format("--gid={}", arguments.gid));
  if (arguments.reduced_sandbox) text.push_back("--sandbox=reduced");
  for (const std::string& flag : arguments.v8_flags) text.push_back("--v8-flag=" + flag);
  return text;
}

Result<Arguments> arguments_from_text(const std::vector<std::string>& text) {
  Arguments arguments;
  for (const std::string& option : text) {
    if (auto socket = value_of(option, "--socket=")) {
      SKEP_TRY(parse_number(*socket, "--socket", arguments.socket));
    } else if (auto uid = value_of(option, "--uid=")) {
      SKEP_TRY(parse_number(*uid, "--uid", arguments.uid));
    } else if (auto gid = value_of(option, "--gid=")) {
      SKEP_TRY(parse_number(*gid, "--gid", arguments.gid));
    } else if (auto flag = value_of(option, "--v8-flag=")) {
      arguments.v8_flags.emplace_back(*flag);
    } else if (option == "--sandbox=reduced") {
      arguments.reduced_sandbox = true;
    } else {
      return fail(fmt::format("zygote: unknown option \"{}\"", option));
    }
  }
  if (arguments.socket < 0) return fail("zygote: it is started by the broker, with --socket");
  return arguments;
}

Result<> send(int socket, const SpawnRequest& request, int fd) {
  const WireRequest wire = {kRequestMagic, request.index, request.sequence};
  return send_wire(socket, &wire, sizeof wire, fd);
}

Result<> send(int socket, const Notice& notice, int fd) {
  WireNotice wire = {};
  wire.magic = kNoticeMagic;
  wire.kind = static_cast<uint32_t>(notice.kind);
  wire.sequence = notice.sequence;
  wire.pid = notice.pid;
  wire.status = notice.status;
  wire.text_bytes = static_cast<uint32_t>(std::min(notice.text.size(), kNoticeTextBytes));
  memcpy(wire.text.data(), notice.text.data(), wire.text_bytes);
  return send_wire(socket, &wire, sizeof wire, fd);
}

Result<std::optional<Received<SpawnRequest>>> receive_request(int socket) {
  WireRequest wire = {};
  Received<SpawnRequest> received;
  SKEP_TRY_ASSIGN(const size_t bytes, receive_wire(socket, &wire, sizeof wire, received.fd));
  if (bytes == 0) return std::nullopt;
  if (bytes != sizeof wire || wire.magic != kRequestMagic || !received.fd)
    return fail("the zygote got a message that is no spawn request");
  received.message = {wire.index, wire.sequence};
  return received;
}

Result<std::optional<Received<Notice>>> receive_notice(int socket) {
  WireNotice wire = {};
  Received<Notice> received;
  SKEP_TRY_ASSIGN(const size_t bytes, receive_wire(socket, &wire, sizeof wire, received.fd));
  if (bytes == 0) return std::nullopt;
  const bool good = bytes == sizeof wire && wire.magic == kNoticeMagic && wire.kind >= 1 &&
                    wire.kind <= 4 && wire.text_bytes <= kNoticeTextBytes;
  const auto kind = static_cast<NoticeKind>(wire.kind);
  if (!good || (kind == NoticeKind::spawned && !received.fd))
    return fail("the zygote sent a message of the wrong shape");
  received.message = {kind, wire.sequence, wire.pid, wire.status,
                      std::string(wire.text.data(), wire.text_bytes)};
  return received;
}

}  // namespace skep::rpc::zygote
