#include "api/parts/parts.h"

#include <fmt/format.h>

#include <charconv>

#include "api/base/values.h"
#include "api/runtime_impl.h"

namespace skep::api {
namespace {

constexpr size_t kAlignment = 16;

size_t aligned(size_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

bool read_number(std::string_view text, size_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

// A part's source, where it lies in the program's image.
class EmbeddedSource final : public v8::String::ExternalOneByteStringResource {
 public:
  explicit EmbeddedSource(std::string_view text) : text_(text) {}
  const char* data() const override { return text_.data(); }
  size_t length() const override { return text_.size(); }

 private:
  std::string_view text_;
};

}  // namespace

Result<Parts> Parts::read(std::string_view pack, std::vector<PartOps> tables) {
  Parts parts;
  parts.tables_ = std::move(tables);
  const size_t blank = pack.starts_with('\n') ? 0 : pack.find("\n\n") + 1;
  if (blank == 0 && !pack.starts_with('\n')) return fail("the runtime's parts are malformed");
  size_t at = blank + 1;
  for (size_t line = 0; line < blank;) {
    const size_t end = pack.find('\n', line);
    const std::string_view text = pack.substr(line, end - line);
    line = end + 1;
    const size_t first = text.find(' '), second = text.rfind(' ');
    size_t source = 0, cache = 0;
    if (first == second || !read_number(text.substr(first + 1, second - first - 1), source) ||
        !read_number(text.substr(second + 1), cache)) {
      return fail(fmt::format("the runtime's parts are malformed: {}", text));
    }
    Part part{.source = pack.substr(at, source), .code_cache = {}};
    at += source;
    if (cache > 0) {
      at = aligned(at);
      part.code_cache = pack.substr(at, cache);
      at += cache;
    }
    if (at > pack.size()) return fail("the runtime's parts are cut short");
    parts.parts_[text.substr(0, first)] = part;
  }
  return parts;
}

std::string Parts::write(const std::vector<Entry>& entries) {
  std::string pack;
  for (const Entry& entry : entries) {
    pack += fmt::format("{} {} {}\n", entry.name, entry.source.size(), entry.code_cache.size());
  }
  pack += '\n';
  for (const Entry& entry : entries) {
    pack += entry.source;
    if (entry.code_cache.empty()) continue;
    pack.resize(aligned(pack.size()));
    pack += entry.code_cache;
  }
  return pack;
}

const Parts::Part* Parts::find(std::string_view name) const {
  const auto found = parts_.find(name);
  return found == parts_.end() ? nullptr : &found->second;
}

std::span<const Op> Parts::ops(std::string_view part) const {
  const std::string_view folder = part.substr(0, part.find('/'));
  for (const PartOps& table : tables_) {
    if (table.folder == folder || table.folder == part) return table.ops;
  }
  return {};
}

v8::MaybeLocal<v8::Function> compile_part(v8::Local<v8::Context> context, std::string_view name,
                                          const Parts::Part& part, bool* used_cache) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  v8::Local<v8::String> parameters[] = {
      js_name(isolate, "__skep_ops"), js_name(isolate, "__skep_core"),
      js_name(isolate, "__skep_load"), js_name(isolate, "__skep_exports")};
  auto resource = std::make_unique<EmbeddedSource>(part.source);
  v8::Local<v8::String> source;
  if (!v8::String::NewExternalOneByte(isolate, resource.get()).ToLocal(&source)) return {};
  static_cast<void>(resource.release());  // the string's now
  v8::ScriptOrigin origin(js_text(isolate, fmt::format("skep:{}", name)));
  v8::ScriptCompiler::CachedData* cached = nullptr;
  if (!part.code_cache.empty()) {
    cached = new v8::ScriptCompiler::CachedData(
        reinterpret_cast<const uint8_t*>(part.code_cache.data()),
        static_cast<int>(part.code_cache.size()), v8::ScriptCompiler::CachedData::BufferNotOwned);
  }
  v8::ScriptCompiler::Source script(source, origin, cached);  // owns `cached`
  auto function = v8::ScriptCompiler::CompileFunction(
      context, &script, std::size(parameters), parameters, 0, nullptr,
      cached ? v8::ScriptCompiler::kConsumeCodeCache : v8::ScriptCompiler::kNoCompileOptions);
  if (used_cache) *used_cache = cached && !cached->rejected;
  return function;
}

// --- what parts.js calls ---

namespace {

// The name is one of ours: no user's value comes here.
void part_compile(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const std::string name = to_utf8(isolate, info[0]);
  RuntimeHost& host = runtime_of(isolate).host;
  const Parts::Part* part = host.parts().find(name);
  if (!part) return throw_error(isolate, fmt::format("The runtime has no part {}.", name));
  v8::Local<v8::Function> function;
  if (!compile_part(isolate->GetCurrentContext(), name, *part).ToLocal(&function)) return;
  host.on_part_compiled(name, function);
  info.GetReturnValue().Set(function);
}

void part_known(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const std::string name = to_utf8(isolate, info[0]);
  info.GetReturnValue().Set(runtime_of(isolate).host.parts().find(name) != nullptr);
}

// The natives of the part's folder: its own_ops.
void part_ops(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  const auto table = runtime_of(isolate).host.parts().ops(to_utf8(isolate, info[0]));
  v8::LocalVector<v8::Name> names(isolate);
  v8::LocalVector<v8::Value> functions(isolate);
  for (const Op& op : table) {
    v8::Local<v8::Function> function;
    if (!v8::Function::New(context, op.callback, {}, 0, v8::ConstructorBehavior::kThrow)
             .ToLocal(&function)) {
      return;
    }
    names.push_back(js_name(isolate, op.name));
    functions.push_back(function);
  }
  info.GetReturnValue().Set(
      v8::Object::New(isolate, v8::Null(isolate), names.data(), functions.data(), names.size()));
}

// A lazy global is read for the first time: V8 makes what comes back the property's value.
void read_lazy_global(v8::Local<v8::Name> name, const v8::PropertyCallbackInfo<v8::Value>& info) {
  v8::Isolate* isolate = info.GetIsolate();
  v8::Local<v8::Context> context = isolate->GetCurrentContext();
  v8::Local<v8::Value> argv[] = {info.Data()};
  v8::Local<v8::Value> exports, value;
  if (runtime_of(isolate)
          .hook(isolate, Hook::load_part)
          ->Call(context, v8::Undefined(isolate), 1, argv)
          .ToLocal(&exports) &&
      exports.As<v8::Object>()->Get(context, name).ToLocal(&value)) {
    info.GetReturnValue().Set(value);
  }
}

void part_lazy_global(const v8::FunctionCallbackInfo<v8::Value>& info) {
  v8::Local<v8::Context> context = info.GetIsolate()->GetCurrentContext();
  context->Global()
      ->SetLazyDataProperty(context, info[0].As<v8::Name>(), read_lazy_global, info[1],
                            v8::PropertyAttribute::DontEnum)
      .Check();
}

constexpr Op kOps[] = {{"part_compile", part_compile},
                       {"part_known", part_known},
                       {"part_ops", part_ops},
                       {"part_lazy_global", part_lazy_global}};

}  // namespace

std::span<const Op> parts_ops() {
  return kOps;
}

intptr_t lazy_global_reference() {
  return reinterpret_cast<intptr_t>(&read_lazy_global);
}

}  // namespace skep::api
