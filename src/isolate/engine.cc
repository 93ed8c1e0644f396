#include "isolate/engine.h"

#include <sys/random.h>

#include <atomic>
#include <cerrno>
#include <sstream>

#include "base/assert.h"
#include "base/limits.h"
#include "isolate/engine_impl.h"
#include "isolate/tenant_impl.h"

namespace skep::isolate {
namespace {

// V8 can be set up once in a process and at no other time: a fact of the process, not of an object.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> g_engine_exists{false};

bool fill_with_entropy(unsigned char* buffer, size_t length) {
  size_t filled = 0;
  while (filled < length) {
    const ssize_t got = getrandom(buffer + filled, length - filled, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    filled += static_cast<size_t>(got);
  }
  return true;
}

// Order matters: what comes last wins.
std::string all_flags(const std::string& extra) {
  // --rehash-snapshot: a hash seed of its own for each process and group; without it they are the
  // build's.
  // --wasm-max-mem-pages: no single memory is larger than an isolate may be.
  // --no-…-loop-unrolling: that phase also drops the stack checks of short loops, and where such a
  // loop had none (`for (;;) a.push(new Array(1000))`: the one that fills the array) it drops the
  // next outer loop's instead. Such code hears no interrupt and no termination, and its heap grows
  // until the process is gone.
  std::string flags =
      "--rehash-snapshot --js-source-phase-imports --no-turboshaft-loop-unrolling "
      "--no-wasm-loop-unrolling --wasm-max-mem-pages=" +
      std::to_string(limits::kIsolateHeapBytes / 65536);
  if (!extra.empty()) flags += " " + extra;
  return flags;
}

// V8 itself takes a flag that it does not know, or that this build lacks, without a word.
Result<> set_flags(const std::string& flags) {
  std::istringstream text(flags);
  std::vector<std::string> words = {"v8"};  // V8 skips the first, a program's name
  for (std::string word; text >> word;) words.push_back(word);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  int count = static_cast<int>(arguments.size());
  v8::V8::SetFlagsFromCommandLine(&count, arguments.data(), true);
  if (count > 1) return fail(std::string("V8 does not know the flag ") + arguments[1]);
  return {};
}

}  // namespace

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Engine>> Engine::create(const EngineOptions& options) {
  SKEP_ASSERT(!g_engine_exists.exchange(true));
  auto impl = std::make_unique<Impl>(Tenant::Impl::on_last_words);
  impl->external_references = options.external_references;
  impl->snapshot.data = options.snapshot.data();
  impl->snapshot.raw_size = static_cast<int>(options.snapshot.size());

  SKEP_TRY(set_flags(all_flags(options.flags)));
  v8::V8::SetEntropySource(fill_with_entropy);
  if (!v8::V8::InitializeICU()) return fail("V8: the Unicode data cannot be set up");
  v8::V8::InitializePlatform(&impl->platform);
  if (options.wasm_trap_handler) {
    impl->wasm_trap_handler = v8::V8::EnableWebAssemblyTrapHandler(true);
    if (!impl->wasm_trap_handler) return fail("V8: the Wasm trap handler cannot be installed");
  }
  v8::V8::SetFatalErrorHandler(Tenant::Impl::on_fatal_error);
  v8::V8::Initialize();
  if (impl->snapshot.raw_size > 0 && !impl->snapshot.IsValid()) {
    return fail("The start-up snapshot was not made by this build of V8.");
  }
  if (!v8::IsolateGroup::CanCreateNewGroups()) {
    return fail("This build of V8 has one pointer cage; skep needs several.");
  }
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Engine::~Engine() {
  if (!impl_->abandoned.empty()) {
    // Threads may still work for an isolate that is never disposed of: all of it stays until the
    // process ends.
    impl_.release();
    return;
  }
  impl_->own_wasm.clear();
  v8::V8::Dispose();
  v8::V8::DisposePlatform();
  impl_.reset();
  g_engine_exists.store(false);
}

Result<> Engine::start_threads(unsigned helper_threads) {
  SKEP_ASSERT(helper_threads >= 1);
  SKEP_TRY(impl_->platform.start_threads(helper_threads));
  impl_->watchdog.start(Tenant::Impl::on_interrupt, Tenant::Impl::on_abandon);
  return {};
}

void Engine::set_clock_ms(double ms) {
  impl_->platform.set_clock_ms(ms);
}
double Engine::clock_ms() const {
  return impl_->platform.clock_ms();
}
int64_t Engine::held_ns() const {
  return impl_->watchdog.held_ns();
}
size_t Engine::abandoned_isolates() const {
  return impl_->abandoned.size();
}
int64_t Engine::take_longest_hold_ns() {
  return impl_->watchdog.take_longest_hold_ns();
}

}  // namespace skep::isolate
