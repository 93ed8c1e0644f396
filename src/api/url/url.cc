// URL and application/x-www-form-urlencoded parsing, by ada.
#include <ada.h>

#include <cstring>

#include "api/base/ops.h"
#include "api/base/values.h"

namespace skep::api {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

constexpr size_t kParts = 8;
// Longer input is no URL: every part of one is kept in 32 bits.
constexpr size_t kUrlBytes = 64 << 20;

// Writes where the components of the href lie into JavaScript's Int32Array; -1: not there.
void write_parts(v8::Local<v8::Value> target, const ada::url_components& at) {
  std::span<uint8_t> bytes;
  if (!bytes_of(target, bytes) || bytes.size() != kParts * sizeof(int32_t)) return;
  const auto offset = [](uint32_t value) {
    return value == ada::url_components::omitted ? -1 : static_cast<int32_t>(value);
  };
  const int32_t parts[kParts] = {
      offset(at.protocol_end),
      offset(at.username_end),
      offset(at.host_start),
      offset(at.host_end),
      at.port == ada::url_components::omitted ? -1 : static_cast<int32_t>(at.port),
      offset(at.pathname_start),
      offset(at.search_start),
      offset(at.hash_start)};
  std::memcpy(bytes.data(), parts, sizeof(parts));
}

void give(const Info& info, const ada::url_aggregator& url, v8::Local<v8::Value> parts) {
  const std::string_view href = url.get_href();  // ASCII, as the standard serialises
  if (href.size() > static_cast<size_t>(v8::String::kMaxLength)) return;
  write_parts(parts, url.get_components());
  info.GetReturnValue().Set(js_latin1(info.GetIsolate(), href));
}

// url_parse(input, base or undefined, parts) -> href, or undefined
void url_parse(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const std::string input = to_utf8(isolate, info[0]);
  if (input.size() > kUrlBytes) return;
  if (!info[1]->IsString()) {
    auto url = ada::parse<ada::url_aggregator>(input);
    if (url) give(info, *url, info[2]);
    return;
  }
  auto base = ada::parse<ada::url_aggregator>(to_utf8(isolate, info[1]));
  if (!base) return;
  auto url = ada::parse<ada::url_aggregator>(input, &*base);
  if (url) give(info, *url, info[2]);
}

// The order is that of `kSet…` in url.js.
bool set_component(ada::url_aggregator& url, uint32_t which, std::string_view value) {
  switch (which) {
    case 0:
      return url.set_protocol(value);
    case 1:
      return url.set_username(value);
    case 2:
      return url.set_password(value);
    case 3:
      return url.set_host(value);
    case 4:
      return url.set_hostname(value);
    case 5:
      return url.set_port(value);
    case 6:
      return url.set_pathname(value);
    case 7:
      url.set_search(value);
      return true;
    case 8:
      url.set_hash(value);
      return true;
    default:
      return false;
  }
}

// url_set(href, which, value, parts) -> new href; undefined where the value is refused
void url_set(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto url = ada::parse<ada::url_aggregator>(to_utf8(isolate, info[0]));
  if (!url || !info[1]->IsUint32()) return;
  set_component(*url, info[1].As<v8::Uint32>()->Value(), to_utf8(isolate, info[2]));
  give(info, *url, info[3]);
}

// url_origin(href) -> origin
void url_origin(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto url = ada::parse<ada::url_aggregator>(to_utf8(isolate, info[0]));
  if (url) info.GetReturnValue().Set(js_text(isolate, url->get_origin()));
}

// form_parse(string) -> [name, value, …]
void form_parse(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const ada::url_search_params params(to_utf8(isolate, info[0]));
  v8::LocalVector<v8::Value> list(isolate);
  for (const auto& [name, value] : params) {
    v8::Local<v8::String> name_string, value_string;
    if (!to_js_string(isolate, name).ToLocal(&name_string) ||
        !to_js_string(isolate, value).ToLocal(&value_string)) {
      return;
    }
    list.push_back(name_string);
    list.push_back(value_string);
  }
  info.GetReturnValue().Set(v8::Array::New(isolate, list.data(), list.size()));
}

v8::Array::CallbackResult gather(uint32_t, v8::Local<v8::Value> element, void* data) {
  auto& [isolate, strings] = *static_cast<std::pair<v8::Isolate*, std::vector<std::string>>*>(data);
  strings.push_back(to_utf8(isolate, element));
  return v8::Array::CallbackResult::kContinue;
}

// form_serialize([name, value, …]) -> string
void form_serialize(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  if (!info[0]->IsArray()) return;
  std::pair<v8::Isolate*, std::vector<std::string>> gathered{isolate, {}};
  if (info[0].As<v8::Array>()->Iterate(isolate->GetCurrentContext(), gather, &gathered).IsNothing())
    return;
  ada::url_search_params params;
  const auto& strings = gathered.second;
  for (size_t i = 0; i + 1 < strings.size(); i += 2) params.append(strings[i], strings[i + 1]);
  v8::Local<v8::String> text;
  if (to_js_string(isolate, params.to_string()).ToLocal(&text)) info.GetReturnValue().Set(text);
}

}  // namespace

std::span<const Op> url_ops() {
  static constexpr Op ops[] = {
      {"url_parse", url_parse},           {"url_set", url_set},
      {"url_origin", url_origin},         {"form_parse", form_parse},
      {"form_serialize", form_serialize},
  };
  return ops;
}

}  // namespace skep::api
