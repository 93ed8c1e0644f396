#include <map>
#include <optional>

#include "isolate/modules.h"
#include "isolate/test_support.h"

namespace skep::isolate::testing {
namespace {

// Modules by name; specifiers are relative to nothing: "./x" means "x". Names in `later` are
// answered only when the loop turns, as the broker does.
class TestBundle final : public Bundle {
 public:
  explicit TestBundle(loop::Loop& loop) : loop_(loop) {}

  ModuleSource& add(std::string name, std::string content, ModuleType type = ModuleType::esm) {
    ModuleSource& source = modules_[name];
    source.name = std::move(name);
    source.type = type;
    source.content = std::move(content);
    return source;
  }
  ModuleSource& main() override { return modules_.begin()->second; }
  ModuleSource& operator[](const std::string& name) { return modules_.at(name); }

  std::optional<Resolved> resolve(std::string_view referrer, std::string_view specifier, ImportKind,
                                  std::function<void(Resolved)> answer) override {
    Resolved resolved = find(referrer, specifier);
    if (!later) return resolved;
    loop_.post([answer = std::move(answer), resolved] { answer(resolved); });
    return std::nullopt;
  }
  void cache_made(ModuleSource& module) override { cached.push_back(module.name); }

  bool later = false;
  std::vector<std::string> cached;

 private:
  Resolved find(std::string_view referrer, std::string_view specifier) {
    if (specifier.starts_with("test:")) return {.builtin = true};
    std::string name(specifier);
    if (name.starts_with("./")) name.erase(0, 2);
    const auto found = modules_.find(name);
    if (found != modules_.end()) return {.module = &found->second};
    return {.missing = "No such module \"" + name + "\".\n  imported from \"" +
                       std::string(referrer) + "\""};
  }
  loop::Loop& loop_;
  std::map<std::string, ModuleSource> modules_;  // the first name in order is the main module's
};

// (module (memory (export "m") 1) (func (export "f") (param i32) (result i32)
//   local.get 0 i32.const 1 i32.add))
constexpr unsigned char kWasm[] = {
    0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f,
    0x03, 0x02, 0x01, 0x00, 0x05, 0x03, 0x01, 0x00, 0x01, 0x07, 0x09, 0x02, 0x01, 'm',  0x02, 0x00,
    0x01, 'f',  0x00, 0x00, 0x0a, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x41, 0x01, 0x6a, 0x0b};
std::string wasm() {
  return std::string(reinterpret_cast<const char*>(kWasm), sizeof kWasm);
}

class LoaderAttachment final : public Tenant::Attachment {
 public:
  LoaderAttachment(Tenant& tenant, std::shared_ptr<Bundle> bundle, ModuleOptions options)
      : loader(tenant, std::move(bundle), std::move(options)) {}
  ModuleLoader loader;
};

class ModuleTest : public IsolateTest {
 protected:
  void SetUp() override {
    IsolateTest::SetUp();
    bundle_ = std::make_shared<TestBundle>(*loop_);
    tenant_ = take();
  }
  void TearDown() override {
    tenant_.reset();
    IsolateTest::TearDown();
  }

  ModuleLoader& loader(Tenant& tenant, ModuleOptions options = {}) {
    if (!options.builtin) {
      options.builtin = [](v8::Isolate* isolate, v8::Local<v8::Context> context,
                           std::string_view specifier) -> v8::MaybeLocal<v8::Object> {
        if (specifier != "test:builtin") return {};
        v8::Local<v8::Object> object = v8::Object::New(isolate);
        object
            ->Set(context, v8::String::NewFromUtf8Literal(isolate, "answer"),
                  v8::Integer::New(isolate, 42))
            .Check();
        return object;
      };
    }
    auto attachment = std::make_unique<LoaderAttachment>(tenant, bundle_, std::move(options));
    ModuleLoader& loader = attachment->loader;
    tenant.attach(std::move(attachment));
    return loader;
  }
  // Loads the bundle; "" or the message of what went wrong.
  std::string load(Tenant& tenant, int64_t cpu_ms = 0) {
    loader_ = &loader(tenant);
    meter_ = CpuMeter{.used_ns = 0, .limit_ns = cpu_ms * 1'000'000};
    std::optional<std::string> result;
    loader_->load(&meter_, [&](std::expected<void, LoadFailure> loaded) {
      result = loaded ? "" : loaded.error().report.message;
      if (!loaded) failure_ = loaded.error();
    });
    turn_until([&] { return result.has_value(); });
    return *result;
  }
  std::string load() { return load(*tenant_); }
  // An expression over the main module's namespace `ns`.
  std::string value(Tenant& tenant, const std::string& expression) {
    FunctionJob job([&](v8::Isolate* isolate, v8::Local<v8::Context> context) {
      v8::Local<v8::Object> ns;
      if (!loader_->main_namespace(isolate).ToLocal(&ns)) return;
      context->Global()->Set(context, v8::String::NewFromUtf8Literal(isolate, "ns"), ns).Check();
    });
    run(tenant, job);
    return eval(tenant, expression);
  }
  std::string value(const std::string& expression) { return value(*tenant_, expression); }

  std::shared_ptr<TestBundle> bundle_;
  std::unique_ptr<Tenant> tenant_;
  ModuleLoader* loader_ = nullptr;
  CpuMeter meter_;
  LoadFailure failure_;
};

TEST_F(ModuleTest, loads_a_graph) {
  bundle_->add("a.js",
               "import { b } from './b.js'; import c from './c.js'; export const v = b + c;");
  bundle_->add("b.js", "import c from './c.js'; export const b = 'b' + c;");
  bundle_->add("c.js", "export default 'c'");
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "bcc");
}

TEST_F(ModuleTest, loads_a_graph_whose_names_are_answered_later) {
  bundle_->later = true;
  bundle_->add("a.js", "import { b } from './b.js'; export const v = b;");
  bundle_->add("b.js", "import './a.js'; export const b = import.meta.url + import.meta.main;");
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "file:///b.jsfalse");
}

TEST_F(ModuleTest, a_missing_module_is_reported_where_it_is_imported) {
  bundle_->add("a.js", "\n  import './gone.js';");
  EXPECT_EQ(load(), "Error: No such module \"gone.js\".\n  imported from \"a.js\"");
  EXPECT_EQ(failure_.report.file, "a.js");
  EXPECT_EQ(failure_.report.line, 2u);
  EXPECT_EQ(failure_.report.source_line, "  import './gone.js';");
}

TEST_F(ModuleTest, a_syntax_error_has_a_position) {
  bundle_->add("a.js", "import './b.js'");
  bundle_->add("b.js", "export const x = 1;\nexport const y = ;\n");
  EXPECT_EQ(load(), "SyntaxError: Unexpected token ';'");
  EXPECT_EQ(failure_.report.file, "b.js");
  EXPECT_EQ(failure_.report.line, 2u);
  EXPECT_EQ(failure_.report.column, 18u);
  EXPECT_EQ(failure_.report.source_line, "export const y = ;");
}

TEST_F(ModuleTest, an_export_that_is_missing) {
  bundle_->add("a.js", "import { nothing } from './b.js'; export default nothing;");
  bundle_->add("b.js", "export const x = 1;");
  EXPECT_EQ(
      load(),
      "SyntaxError: The requested module './b.js' does not provide an export named 'nothing'");
  EXPECT_EQ(failure_.report.file, "a.js");
}

TEST_F(ModuleTest, a_throw_at_top_level) {
  bundle_->add("a.js", "import { f } from './b.js';\nf();");
  bundle_->add("b.js", "export function f() {\n  throw new TypeError('no');\n}");
  EXPECT_EQ(load(), "TypeError: no");
  EXPECT_EQ(failure_.report.file, "b.js");
  EXPECT_EQ(failure_.report.line, 2u);
  EXPECT_EQ(failure_.report.source_line, "  throw new TypeError('no');");
  EXPECT_EQ(failure_.report.stack, "    at f (b.js:2:9)\n    at a.js:2:1");
}

TEST_F(ModuleTest, other_types) {
  bundle_->add(
      "a.js",
      R"(import text from './t.txt'; import data from './d.bin'; import json from './j.json';
    import typed from './j.json' with { type: 'json' }; import module from './m.wasm';
    import source source from './m.wasm';
    import { answer } from 'test:builtin'; import all from 'test:builtin';
    export const v = [text, data instanceof ArrayBuffer, data.byteLength, json.a, typed === json,
      module instanceof WebAssembly.Module, module === source,
      new WebAssembly.Instance(module).exports.f(1), answer, all.answer].join();)");
  bundle_->add("t.txt", "tëxt", ModuleType::text);
  bundle_->add("d.bin", "12345", ModuleType::data);
  bundle_->add("j.json", R"({"a": 7})", ModuleType::json);
  bundle_->add("m.wasm", wasm(), ModuleType::wasm);
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "tëxt,true,5,7,true,true,true,2,42,42");
}

TEST_F(ModuleTest, a_built_in_that_there_is_not) {
  bundle_->add("a.js", "import 'test:nothing'");
  EXPECT_EQ(load(), "Error: No such module \"test:nothing\".\n  imported from \"a.js\"");
}

TEST_F(ModuleTest, an_attribute_that_does_not_fit) {
  bundle_->add("a.js", "import t from './t.txt' with { type: 'json' }");
  bundle_->add("t.txt", "text", ModuleType::text);
  EXPECT_EQ(load(), "TypeError: Module \"./t.txt\" is not of type \"json\"");
}

TEST_F(ModuleTest, commonjs_from_es_modules) {
  bundle_->add("a.js", R"(import all, { one, two, deep } from './c.cjs';
    export const v = [one, two, deep, all.one, typeof all].join();)");
  bundle_->add("c.cjs",
               "const d = require('./d.cjs'); exports.one = 1; module.exports.two = d.two;"
               "__exportStar(d, exports); function __exportStar(m, e) { Object.assign(e, m) }"
               "0 && __exportStar(require('./d.cjs'), exports);",
               ModuleType::commonjs);
  bundle_->add("d.cjs", "module.exports = { two: 2, deep: __filename + __dirname };",
               ModuleType::commonjs);
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "1,2,d.cjs.,1,object");
}

TEST_F(ModuleTest, commonjs_requires_everything) {
  bundle_->add("a.js", "import v from './c.cjs'; export { v };");
  bundle_->add("c.cjs",
               R"(const e = require('./e.js'), j = require('./j.json'), b = require('test:builtin');
    let missing, again, computed;
    try { require('./gone') } catch (error) { missing = error.message }
    try { require('./' + 'gone') } catch (error) { again = error.message }
    module.exports = [e.named ?? e, j.a, b.answer, require('./t.txt'), require('./' + 'f.cjs'),
                      missing === again, missing].join();)",
               ModuleType::commonjs);
  bundle_->add("e.js", "export const named = 'esm'");
  bundle_->add("f.cjs", "module.exports = 'f'", ModuleType::commonjs);
  bundle_->add("j.json", R"({"a": 7})", ModuleType::json);
  bundle_->add("t.txt", "text", ModuleType::text);
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"),
            "esm,7,42,text,f,true,No such module \"gone\".\n  imported from \"c.cjs\"");
}

TEST_F(ModuleTest, commonjs_in_a_circle) {
  bundle_->add("a.cjs", "exports.early = 1; const b = require('./b.cjs'); exports.late = b.seen;",
               ModuleType::commonjs);
  bundle_->add("b.cjs", "const a = require('./a.cjs'); exports.seen = a.early + ':' + a.late;",
               ModuleType::commonjs);
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.default.late"), "1:undefined");
}

TEST_F(ModuleTest, top_level_await_that_settles) {
  bundle_->add("a.js", "export const v = await Promise.resolve(3);");
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "3");
}

TEST_F(ModuleTest, top_level_await_that_does_not) {
  bundle_->add("a.js", "await new Promise(() => {}); export default 1;");
  EXPECT_EQ(load(), "Error: Top-level await in module is unsettled.");
}

TEST_F(ModuleTest, top_level_await_of_an_import) {
  bundle_->later = true;
  bundle_->add("a.js", "const b = await import('./b.js'); export const v = b.default;");
  bundle_->add("b.js", "export default await 'imported'");
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "imported");
  EXPECT_FALSE(loader_->importing());
}

TEST_F(ModuleTest, dynamic_imports_of_all_kinds) {
  bundle_->later = true;
  bundle_->add("a.js", R"(const caught = []; export const seen = [];
    export function go() {
      for (const name of ['./gone.js', './broken.js', './throws.js', './b.js', './b.js', './c.cjs'])
        import(name).then(m => seen.push(m.default), e => seen.push(e.name + ': ' + e.message));
      import.source('./m.wasm').then(m => seen.push(m instanceof WebAssembly.Module));
    })");
  bundle_->add("b.js", "export default 'b'");
  bundle_->add("broken.js", "export default ;");
  bundle_->add("c.cjs", "module.exports = 'c'", ModuleType::commonjs);
  bundle_->add("m.wasm", wasm(), ModuleType::wasm);
  bundle_->add("throws.js", "throw new RangeError('thrown')");
  EXPECT_EQ(load(), "");
  value("ns.go()");
  EXPECT_TRUE(loader_->importing());
  turn_until([&] { return !loader_->importing(); });
  EXPECT_EQ(value("ns.seen.sort().join('|')"),
            "Error: No such module \"gone.js\".\n  imported from \"a.js\"|RangeError: thrown|"
            "SyntaxError: Unexpected token ';'|b|b|c|true");
}

TEST_F(ModuleTest, a_main_module_without_exports_is_a_script) {
  bundle_->add("a.js", "var fromScript = this === globalThis; function f() {} with ({}) {}");
  EXPECT_EQ(load(), "");
  EXPECT_TRUE(loader_->main_is_script());
  EXPECT_EQ(eval(*tenant_, "fromScript + typeof f"), "truefunction");
}

TEST_F(ModuleTest, a_module_that_only_awaits_is_no_script) {
  bundle_->add("a.js", "await null; globalThis.v = import.meta.url;");
  EXPECT_EQ(load(), "");
  EXPECT_FALSE(loader_->main_is_script());
  EXPECT_EQ(eval(*tenant_, "v"), "file:///a.js");
}

TEST_F(ModuleTest, start_up_has_a_cpu_limit) {
  bundle_->add("a.js", "for (;;) {}");
  load(*tenant_, 30);
  EXPECT_EQ(failure_.stopped, StopReason::cpu_limit);
}

TEST_F(ModuleTest, code_caches_are_made_and_used) {
  std::string big = "export function f(x) { return [";
  for (int i = 0; i < 500; ++i) big += "x + " + std::to_string(i) + ",";
  big += "].length } export const v = f(1);";
  bundle_->add("a.js", big + "import c from './c.cjs'; export { c };");
  bundle_->add("c.cjs", "/*" + std::string(2000, ' ') + "*/ module.exports = 5;",
               ModuleType::commonjs);
  bundle_->add("small.js", "export default 1");
  EXPECT_EQ(load(), "");
  loader_->make_code_caches();
  turn_until([&] { return !bundle_->cached.empty(); });
  EXPECT_EQ(bundle_->cached, (std::vector<std::string>{"a.js", "c.cjs"}));
  const std::string kept = (*bundle_)["a.js"].code_cache;

  auto sibling = take();
  EXPECT_EQ(load(*sibling), "");
  EXPECT_EQ(value(*sibling, "ns.v + ':' + ns.c"), "500:5");
  EXPECT_FALSE((*bundle_)["a.js"].code_cache_rejected);
  EXPECT_FALSE((*bundle_)["c.cjs"].code_cache_rejected);
  EXPECT_EQ((*bundle_)["a.js"].code_cache, kept);

  // Of other code: rejected, and the module runs all the same.
  (*bundle_)["a.js"].content += " export const more = 1;";
  auto third = take();
  EXPECT_EQ(load(*third), "");
  EXPECT_TRUE((*bundle_)["a.js"].code_cache_rejected);
  EXPECT_EQ(value(*third, "ns.more"), "1");
}

TEST_F(ModuleTest, wasm_is_compiled_once_for_two_groups) {
  tenant_.reset();
  make_arena({.ready = 1, .isolates_per_group = 1});
  while (arena_->refill_step()) {
  }
  tenant_ = take();
  while (arena_->refill_step()) {
  }
  bundle_ = std::make_shared<TestBundle>(*loop_);
  bundle_->add(
      "a.js",
      "import m from './m.wasm'; export const v = new WebAssembly.Instance(m).exports.f(4)");
  bundle_->add("m.wasm", wasm(), ModuleType::wasm);
  EXPECT_EQ(load(), "");
  EXPECT_EQ(value("ns.v"), "5");
  EXPECT_TRUE((*bundle_)["m.wasm"].compiled_wasm);
  auto other = take();
  EXPECT_NE(other->isolate()->GetGroup(), tenant_->isolate()->GetGroup());
  EXPECT_EQ(load(*other), "");
  EXPECT_EQ(value(*other, "ns.v"), "5");
}

TEST_F(ModuleTest, wasm_with_shared_memory_is_refused) {
  std::string shared = wasm();
  shared[21 + 2] = 0x03;  // limits: shared, with a maximum
  shared.insert(25, "\x01");
  shared[21] = 0x04;
  bundle_->add("a.js", "import m from './m.wasm'; export default m;");
  bundle_->add("m.wasm", shared, ModuleType::wasm);
  EXPECT_EQ(load(), "CompileError: m.wasm: shared memory is not supported");
}

TEST_F(ModuleTest, check_reports_everything_and_runs_nothing) {
  bundle_->add("a.js", "import './gone.js'; import './b.js'; globalThis.ran = true;");
  bundle_->add("b.js", "import './gone2.js'; const x = ;");
  std::optional<std::vector<StackReport>> reports;
  loader(*tenant_).check([&](std::vector<StackReport> all) { reports = std::move(all); });
  turn_until([&] { return reports.has_value(); });
  ASSERT_EQ(reports->size(), 2u);
  EXPECT_EQ((*reports)[0].file, "a.js");
  EXPECT_EQ((*reports)[1].file, "b.js");
  EXPECT_EQ(eval(*tenant_, "typeof ran"), "undefined");
}

TEST_F(ModuleTest, source_maps_are_applied) {
  ModuleSource& main = bundle_->add("out/a.js", "export default 1;\nthrow new Error('mapped');");
  main.source_map = R"x({"version":3,"sources":["../src/a.ts"],"mappings":";AAEA",
    "sourcesContent":["one\ntwo\n  throw new Error(x)"]})x";
  EXPECT_EQ(load(), "Error: mapped");
  EXPECT_EQ(failure_.report.file, "src/a.ts");
  EXPECT_EQ(failure_.report.line, 3u);
  EXPECT_EQ(failure_.report.source_line, "  throw new Error(x)");
  EXPECT_EQ(failure_.report.stack, "    at src/a.ts:3:1");
}

}  // namespace
}  // namespace skep::isolate::testing
