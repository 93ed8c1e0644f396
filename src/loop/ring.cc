#include "loop/ring.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "loop/loop.h"

namespace skep::loop {
namespace {

constexpr const char* kNeeded = "skep needs Linux 6.1 or later";
constexpr unsigned kFirstRecvBuffers = 64;
// liburing's own mark that the ring's descriptor is registered (src/int_flags.h).
constexpr uint8_t kRegisteredRingFlag = 1;

// What a shard may ask of its ring: each of these acts on descriptors that the process holds
// already.
constexpr std::array<uint8_t, 17> kOperations = {
    IORING_OP_ACCEPT,       IORING_OP_RECV,  IORING_OP_SEND,         IORING_OP_SENDMSG,
    IORING_OP_RECVMSG,      IORING_OP_CLOSE, IORING_OP_TIMEOUT,      IORING_OP_LINK_TIMEOUT,
    IORING_OP_ASYNC_CANCEL, IORING_OP_NOP,   IORING_OP_FILES_UPDATE, IORING_OP_SHUTDOWN,
    IORING_OP_SPLICE,       IORING_OP_READ,  IORING_OP_WRITE,        IORING_OP_MSG_RING,
    IORING_OP_POLL_ADD};

constexpr unsigned kAllowedSqeFlags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT | IOSQE_IO_LINK |
                                      IOSQE_IO_HARDLINK | IOSQE_CQE_SKIP_SUCCESS | IOSQE_ASYNC;

std::string kernel_release() {
  utsname name{};
  uname(&name);
  return name.release;
}

Result<> check_features(const io_uring& ring) {
  struct Feature {
    unsigned bit;
    const char* name;
  };
  constexpr Feature kFeatures[] = {{IORING_FEAT_SINGLE_MMAP, "IORING_FEAT_SINGLE_MMAP"},
                                   {IORING_FEAT_NODROP, "IORING_FEAT_NODROP"},
                                   {IORING_FEAT_SUBMIT_STABLE, "IORING_FEAT_SUBMIT_STABLE"},
                                   {IORING_FEAT_FAST_POLL, "IORING_FEAT_FAST_POLL"},
                                   {IORING_FEAT_EXT_ARG, "IORING_FEAT_EXT_ARG"},
                                   {IORING_FEAT_CQE_SKIP, "IORING_FEAT_CQE_SKIP"}};
  for (const auto& [bit, name] : kFeatures)
    if ((ring.features & bit) == 0)
      return fail(
          fmt::format("this kernel's io_uring ({}) lacks {}: {}", kernel_release(), name, kNeeded));
  return {};
}

Result<> check_operations(io_uring& ring) {
  io_uring_probe* probe = io_uring_get_probe_ring(&ring);
  if (probe == nullptr)
    return fail("io_uring does not tell which operations it has (IORING_REGISTER_PROBE)");
  int missing = -1;
  for (uint8_t operation : kOperations)
    if (io_uring_opcode_supported(probe, operation) == 0) missing = operation;
  io_uring_free_probe(probe);
  if (missing >= 0)
    return fail(fmt::format("this kernel's io_uring ({}) lacks operation {}: {}", kernel_release(),
                            missing, kNeeded));
  return {};
}

// What a ring takes counts against its user's RLIMIT_MEMLOCK, and the kernel gives back what an
// ended ring had some moments later: a refusal is asked again for up to half a second.
template <typename Call>
int with_memory(Call call) {
  constexpr int kTries = 50;
  for (int tries = 1;; ++tries) {
    const int code = call();
    if (code != -ENOMEM || tries == kTries) return code;
    poll(nullptr, 0, 10);
  }
}

Result<> register_files(io_uring& ring, unsigned wanted) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto count = static_cast<unsigned>(std::min<rlim_t>(wanted, limit.rlim_cur));
  if (count == 0) return {};
  if (const int code = io_uring_register_files_sparse(&ring, count); code < 0)
    return fail_errno(fmt::format("cannot register a table of {} files with io_uring", count),
                      -code);
  return {};
}

}  // namespace

Error explain_setup_error(int code, const std::string& release) {
  switch (code) {
    case ENOSYS:
      return {fmt::format("this kernel ({}) has no io_uring, or a container forbids it: {}",
                          release, kNeeded),
              code};
    case EPERM:
    case EACCES:
      return {
          "io_uring is forbidden here: see the sysctl kernel.io_uring_disabled, and the seccomp "
          "profile of the container if this is one",
          code};
    case EINVAL:
      return {fmt::format("this kernel's io_uring ({}) lacks IORING_SETUP_SINGLE_ISSUER or "
                          "IORING_SETUP_DEFER_TASKRUN: {}",
                          release, kNeeded),
              code};
    case ENOMEM:
      return {
          "no memory for io_uring's queues: see RLIMIT_MEMLOCK (ulimit -l) and the cgroup's memory "
          "limit",
          code};
    default:
      return {fmt::format("io_uring_setup: {}", std::strerror(code)), code};
  }
}

Result<> set_up_ring(io_uring& ring, const LoopOptions& options) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE |
                 IORING_SETUP_CLAMP;
  if (options.restricted) params.flags |= IORING_SETUP_R_DISABLED;
  // Each multishot operation answers many times: room for a burst of them without overflow.
  params.cq_entries = options.entries * 4;
  const int made = with_memory([&] {
    io_uring_params asked = params;
    return io_uring_queue_init_params(options.entries, &ring, &asked);
  });
  if (made < 0) return std::unexpected(explain_setup_error(-made, kernel_release()));
  auto checked = [&]() -> Result<> {
    SKEP_TRY(check_features(ring));
    SKEP_TRY(check_operations(ring));
    SKEP_TRY(register_files(ring, options.fixed_files));
    if (const int code = io_uring_register_ring_fd(&ring); code < 0)
      return fail_errno("cannot register the ring's descriptor", -code);
    return {};
  }();
  if (!checked) io_uring_queue_exit(&ring);
  return checked;
}

std::span<const uint8_t> restricted_operations() {
  return kOperations;
}

Result<> restrict_and_enable_ring(io_uring& ring) {
  std::array<io_uring_restriction, kOperations.size() + 2> list{};
  for (size_t i = 0; i < kOperations.size(); ++i) {
    list[i].opcode = IORING_RESTRICTION_SQE_OP;
    list[i].sqe_op = kOperations[i];
  }
  // The one registration that is listed is used up below; listing one forbids all the others.
  list[kOperations.size()].opcode = IORING_RESTRICTION_REGISTER_OP;
  list[kOperations.size()].register_op = IORING_REGISTER_ENABLE_RINGS;
  list[kOperations.size() + 1].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  list[kOperations.size() + 1].sqe_flags = kAllowedSqeFlags;
  if (const int code = io_uring_register_restrictions(&ring, list.data(), list.size()); code < 0)
    return fail_errno("cannot restrict the ring", -code);
  if (const int code = io_uring_enable_rings(&ring); code < 0)
    return fail_errno("cannot enable the ring", -code);
  return {};
}

void close_ring(io_uring& ring, bool restricted) {
  // The registered descriptor goes with the task; to unregister it is forbidden by now.
  if (restricted) ring.int_flags &= static_cast<uint8_t>(~kRegisteredRingFlag);
  io_uring_queue_exit(&ring);
}

RecvBuffers::RecvBuffers(unsigned count, unsigned bytes)
    : count_(count), bytes_(bytes), mask_(io_uring_buf_ring_mask(count)) {}

Result<std::unique_ptr<RecvBuffers>> RecvBuffers::create(io_uring& ring, unsigned count,
                                                         unsigned bytes) {
  SKEP_ASSERT(std::has_single_bit(count) && count <= 32768);
  std::unique_ptr<RecvBuffers> buffers(new RecvBuffers(count, bytes));
  const size_t total = buffers->memory_bytes() + buffers->ring_bytes();
  void* mapping = mmap(nullptr, total, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return fail_errno("no memory for the receive buffers", errno);
  // The descriptors stand first: they must begin on a page.
  buffers->ring_ = static_cast<io_uring_buf_ring*>(mapping);
  buffers->memory_ = static_cast<char*>(mapping) + buffers->ring_bytes();
  io_uring_buf_ring_init(buffers->ring_);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<uint64_t>(mapping);
  registration.ring_entries = count;
  registration.bgid = kGroup;
  const int code = with_memory([&] { return io_uring_register_buf_ring(&ring, &registration, 0); });
  if (code < 0) return fail_errno("cannot register the receive buffers with io_uring", -code);
  buffers->add_until(std::min(count, kFirstRecvBuffers));
  return buffers;
}

RecvBuffers::~RecvBuffers() {
  if (ring_ != nullptr) munmap(ring_, memory_bytes() + ring_bytes());
}

void RecvBuffers::grow() {
  add_until(std::min(count_, in_use_ * 2));
}

void RecvBuffers::add_until(unsigned in_use) {
  const unsigned added = in_use - in_use_;
  for (unsigned i = 0; i < added; ++i) {
    const auto id = static_cast<uint16_t>(in_use_ + i);
    io_uring_buf_ring_add(ring_, memory_ + size_t{id} * bytes_, bytes_, id, mask_,
                          static_cast<int>(i));
  }
  io_uring_buf_ring_advance(ring_, static_cast<int>(added));
  in_use_ = in_use;
}

}  // namespace skep::loop
