// A worker that eats memory takes down itself, at most: a set of attacks, and a neighbour that must
// answer after each.
#include <vector>

#include "base/limits.h"
#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {

enum class Expect {
  stopped,  // terminated for memory; the tenant is condemned
  refused,  // an exception in JavaScript; the tenant goes on
  either,
};

struct Attack {
  const char* name;
  const char* script;
  Expect expect;
};

void PrintTo(const Attack& attack, std::ostream* out) {
  *out << attack.name;
}

class MemoryTest : public IsolateTest, public ::testing::WithParamInterface<Attack> {};

TEST_P(MemoryTest, takes_down_its_tenant_alone) {
  // A heap that fills up is stress enough; with more it takes minutes.
  if (stressed()) GTEST_SKIP();
  const Attack& attack = GetParam();
  auto neighbour = take();
  auto tenant = take();
  ScriptJob job(attack.script, 60'000);
  run(*tenant, job);
  const bool refused = job.reason() == StopReason::none && job.result().starts_with("RangeError");
  // One builtin may be left behind for its time before its memory is noticed.
  const bool stopped = job.reason() == StopReason::memory_limit ||
                       (attack.expect == Expect::either && job.reason() == StopReason::cpu_limit);
  if (attack.expect == Expect::refused) EXPECT_TRUE(refused) << job.result();
  if (attack.expect == Expect::stopped) EXPECT_TRUE(stopped) << job.result();
  EXPECT_TRUE(refused || stopped) << job.result() << static_cast<int>(job.reason());
  EXPECT_EQ(tenant->condemned(), stopped);
  ScriptJob after("1");
  EXPECT_EQ(tenant->run(after), !stopped);
  EXPECT_EQ(eval(*neighbour, "[1, 2, 3].map(x => x * 2).join()"), "2,4,6");
  tenant.reset();
  EXPECT_EQ(eval(*neighbour, "new Array(1000).fill(1).length"), "1000");
}

INSTANTIATE_TEST_SUITE_P(
    Attacks, MemoryTest,
    ::testing::Values(
        Attack{"objects", "const a = []; for (;;) a.push({a: 1, b: [2]})", Expect::stopped},
        Attack{"closures", "const a = []; for (let i = 0;; i++) a.push(() => i)", Expect::stopped},
        Attack{"map", "const m = new Map(); for (let i = 0;; i++) m.set(i, {i})", Expect::stopped},
        Attack{"strings", "const a = []; for (let i = 0;; i++) a.push('x'.repeat(1000) + i + '!')",
               Expect::stopped},
        Attack{"one_string", "let s = 'x'.repeat(1e6); for (;;) s = (s + s + 1).split('').join('')",
               Expect::either},
        Attack{"repeat",
               "const a = []; for (;;) a.push(('y' + a.length).repeat(2e8).charCodeAt(5))",
               Expect::either},
        Attack{"fill", "const a = Array(2e8).fill(1)", Expect::either},
        Attack{"dictionary", "const o = {}; for (let i = 0;; i++) o['k' + i * 7] = i",
               Expect::stopped},
        Attack{"microtasks",
               "const f = () => { Promise.resolve().then(f); Promise.resolve().then(f) };"
               "f()",
               Expect::stopped},
        Attack{"unrolled_loop", "const a = []; for (;;) a.push(new Array(1000))", Expect::stopped},
        Attack{"doubles", "const a = []; for (;;) a.push(new Array(1e5).fill(1.5))",
               Expect::stopped},
        Attack{"large_objects", "const a = []; for (;;) a.push(new Array(32768).fill(a))",
               Expect::stopped},
        Attack{"join", "const a = Array(2e6).fill('z'.repeat(200)); var s = a.join(''); s.length",
               Expect::stopped},
        Attack{"array_buffers", "const a = []; for (;;) a.push(new ArrayBuffer(1 << 20))",
               Expect::refused},
        Attack{"one_array_buffer", "new Uint8Array(1 << 30)", Expect::refused},
        Attack{"small_buffers", "const a = []; for (;;) a.push(new Uint8Array(64))",
               Expect::either},
        Attack{
            "resizable_buffers",
            "const a = []; for (;;) { const b = new ArrayBuffer(1 << 20, {maxByteLength: 1 << 27});"
            "new Uint8Array(b).fill(1); a.push(b) }",
            Expect::either},
        Attack{"reserved_buffers",
               "const a = []; for (;;) a.push(new ArrayBuffer(8, {maxByteLength: 1 << 30}))",
               Expect::either},
        Attack{"resizing",
               "const b = new ArrayBuffer(8, {maxByteLength: 2 ** 31}); for (let n = 1;; n++)"
               "{ b.resize(n << 20); new Uint8Array(b).fill(1, (n - 1) << 20) }",
               Expect::either},
        Attack{"wasm_memories",
               "const a = []; for (;;) { const m = new WebAssembly.Memory({initial: 100});"
               "new Uint8Array(m.buffer).fill(1); a.push(m) }",
               Expect::either},
        Attack{"wasm_grow",
               "const a = []; for (;;) { const m = new WebAssembly.Memory({initial: 1}); a.push(m);"
               "for (let i = 0; i < 2000; i += 100) { m.grow(100);"
               "new Uint8Array(m.buffer).fill(1) } }",
               Expect::either},
        Attack{"untouched_wasm_memories",
               "const a = []; for (;;) a.push(new WebAssembly.Memory({initial: 1000}))",
               Expect::either}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(IsolateTest, queued_jobs_hear_of_the_memory_limit) {
  auto tenant = take();
  ScriptJob eater("const a = []; for (;;) a.push({a})");
  ScriptJob queued("'never'");
  ASSERT_TRUE(tenant->run(eater));
  if (!eater.finished()) {
    ASSERT_TRUE(tenant->run(queued));
    turn_until([&] { return queued.finished(); });
    EXPECT_EQ(queued.reason(), StopReason::memory_limit);
    EXPECT_EQ(queued.result(), "");
  }
  EXPECT_EQ(eater.reason(), StopReason::memory_limit);
  EXPECT_EQ(tenant->stopped_by(), StopReason::memory_limit);
}

TEST_F(IsolateTest, memory_that_is_used_again_and_again_is_no_leak) {
  auto tenant = take();
  EXPECT_EQ(eval(*tenant,
                 "let n = 0; for (let i = 0; i < 300; i++) n += new Uint8Array(4 << 20).length;"
                 "for (let i = 0; i < 300; i++) n += 'x'.repeat(1 << 20).length; n"),
            std::to_string(300ll * (4 << 20) + 300ll * (1 << 20)));
  EXPECT_EQ(eval(*tenant,
                 "let w = 0; for (let i = 0; i < 200; i++)"
                 "w += new WebAssembly.Memory({initial: 10}).buffer.byteLength; w"),
            std::to_string(200ll * 10 * 65536));
  EXPECT_FALSE(tenant->condemned());
}

}  // namespace
}  // namespace skep::isolate::testing
