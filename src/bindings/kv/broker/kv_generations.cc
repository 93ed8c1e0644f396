#include "bindings/kv/broker/kv_generations.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

namespace skep::bindings {

Result<KvGenerationPage> KvGenerationPage::create() {
  UniqueFd fd(memfd_create("skep-kv", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return fail_errno("memfd_create", errno);
  if (ftruncate(fd.get(), kKvGenerationBytes) != 0) return fail_errno("memfd", errno);
  void* mapped = mmap(nullptr, kKvGenerationBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (mapped == MAP_FAILED) return fail_errno("mmap", errno);
  KvGenerationPage page(std::move(fd), static_cast<KvCounter*>(mapped));
  // Our mapping may still write; no other may be made that could, and no size may change.
  const int seals = F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL;
  if (fcntl(page.fd(), F_ADD_SEALS, seals) != 0) return fail_errno("sealing a memfd", errno);
  return page;
}

KvGenerationPage::KvGenerationPage(KvGenerationPage&& other) noexcept
    : fd_(std::move(other.fd_)), counters_(std::exchange(other.counters_, nullptr)) {}

KvGenerationPage::~KvGenerationPage() {
  if (counters_ != nullptr) munmap(counters_, kKvGenerationBytes);
}

}  // namespace skep::bindings
