// Natives of the part assets/assets.
#include <ada.h>
#include <fcntl.h>

#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/event/resource.h"
#include "api/runtime_impl.h"
#include "base/limits_assets.h"
#include "bindings/assets/assets_binding.h"
#include "bindings/assets/mime.h"
#include "bindings/call.h"
#include "bindings/kv/kv_binding.h"
#include "net/headers.h"

namespace skep::bindings {
namespace {

using Info = v8::FunctionCallbackInfo<v8::Value>;

// A large file that JavaScript reads as a stream.
class BodyResource final : public api::Resource {
 public:
  BodyResource(api::Event& event, loop::Loop& loop, UniqueFd file, uint64_t begin, uint64_t end)
      : Resource(event, Kind::asset_body), reader(loop, std::move(file), end, begin) {}
  void wake(v8::Isolate*, v8::Local<v8::Context>) override {}
  FileReader reader;
};

// What a call keeps of its request until the file is there.
struct Wanted {
  std::shared_ptr<AssetSite> site;
  std::string method, host, path, query;
  std::vector<std::string> texts;  // name, value, …
  std::vector<net::Header> headers;

  AssetContext context() const { return {site->rules(), method, host, path, headers}; }
};

// [status, body or null, name, value, …]; the body: a Uint8Array, or the id of a stream.
v8::MaybeLocal<v8::Value> make_answer(v8::Isolate* isolate, const AssetReply& reply,
                                      const AssetFile* file) {
  v8::LocalVector<v8::Value> flat(isolate);
  flat.push_back(v8::Integer::New(isolate, reply.status));
  v8::Local<v8::Value> body = v8::Null(isolate);
  if (reply.body && file != nullptr && file->small) {
    v8::Local<v8::Uint8Array> bytes;
    const auto part = std::string_view(file->body).substr(reply.begin, reply.end - reply.begin);
    if (!api::to_uint8_array(isolate, part).ToLocal(&bytes)) return {};
    body = bytes;
  } else if (reply.body && file != nullptr) {
    api::Event* event = api::require_event(isolate);
    if (event == nullptr) return {};
    UniqueFd fd(fcntl(file->fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!fd) {
      api::throw_error(isolate, "the asset cannot be read now");
      return {};
    }
    auto& resource = event->adopt(std::make_unique<BodyResource>(
        *event, event->runtime().host.loop(), std::move(fd), reply.begin, reply.end));
    body = v8::Integer::NewFromUnsigned(isolate, resource.id());
  }
  flat.push_back(body);
  for (const net::Header& header : reply.headers) {
    flat.push_back(api::js_text(isolate, header.name));
    flat.push_back(api::js_text(isolate, header.value));
  }
  return v8::Array::New(isolate, flat.data(), flat.size());
}

void answer_with_file(const std::shared_ptr<Wanted>& wanted, const SiteAnswer& found,
                      const CallHandle& call) {
  // Without a content coding: a Worker handles the content.
  const uint32_t index = found.index;
  const auto done = [wanted, index, status = found.status,
                     call](Result<std::shared_ptr<const AssetFile>> file) {
    if (!file) return call.fail("the asset cannot be read: " + file.error().message);
    call.answer([wanted, index, status, file = std::move(*file)](v8::Isolate* isolate,
                                                                 v8::Local<v8::Context>) {
      const AssetReply reply =
          reply_with_file(wanted->context(), file->facts, status,
                          content_type_of(wanted->site->rules().manifest().path(index)), {}, false);
      return make_answer(isolate, reply, file.get());
    });
  };
  if (const auto* kept = wanted->site->kept(index)) return done(*kept);
  wanted->site->open(index, done);
}

// The headers of a request: a flat list of (lower-case name, value, name), or the id of the event
// whose own they are.
bool read_headers(v8::Isolate* isolate, v8::Local<v8::Value> from, Wanted& wanted) {
  if (from->IsUint32()) {
    api::Event* source = api::find_event(isolate, from.As<v8::Uint32>()->Value());
    if (source == nullptr || !source->has_head()) {
      api::throw_error(isolate, api::kContextEndedMessage);
      return false;
    }
    for (const net::Header& header : source->request_headers()) {
      wanted.texts.emplace_back(header.name);
      wanted.texts.emplace_back(header.value);
    }
  } else if (from->IsArray()) {
    const auto list = from.As<v8::Array>();
    for (uint32_t i = 0; i + 2 < list->Length(); i += 3) {
      for (const uint32_t at : {i, i + 1}) {
        v8::Local<v8::Value> text;
        if (!list->Get(isolate->GetCurrentContext(), at).ToLocal(&text)) return false;
        wanted.texts.push_back(api::to_utf8(isolate, text));
      }
    }
  }
  for (size_t i = 0; i + 1 < wanted.texts.size(); i += 2)
    wanted.headers.push_back({wanted.texts[i], wanted.texts[i + 1]});
  return true;
}

// assets_fetch(index, method, url, headers) -> promise of make_answer's
void assets_fetch(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  auto* binding = api::binding_at<AssetsBinding>(isolate, info[0]);
  auto url = ada::parse<ada::url_aggregator>(api::to_utf8(isolate, info[2]));
  if (binding == nullptr || binding->site == nullptr || !url) {
    api::throw_type_error(isolate, "Illegal invocation");
    return;
  }
  auto wanted = std::make_shared<Wanted>();
  wanted->site = binding->site;
  wanted->method = api::to_utf8(isolate, info[1]);
  wanted->host = url->get_hostname();
  wanted->path = url->get_pathname();
  wanted->query = url->get_search();
  if (!read_headers(isolate, info[3], *wanted)) return;
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  const SiteAnswer found =
      wanted->site->rules().resolve({wanted->method, wanted->path, wanted->query, false});
  if (found.kind == SiteAnswer::Kind::file) return answer_with_file(wanted, found, *call);
  call->answer([wanted, found](v8::Isolate* isolate, v8::Local<v8::Context>) {
    return make_answer(isolate, reply_without_file(wanted->context(), found), nullptr);
  });
}

// assets_read(id) -> promise of a Uint8Array, empty at the end
void assets_read(const Info& info) {
  v8::Isolate* isolate = info.GetIsolate();
  const uint32_t id = info[0]->IsUint32() ? info[0].As<v8::Uint32>()->Value() : 0;
  auto* body = static_cast<BodyResource*>(
      api::require_own_resource(isolate, id, api::Resource::Kind::asset_body));
  if (body == nullptr) return;
  v8::Local<v8::Promise> promise;
  const auto call = start_call(isolate, promise);
  if (!call) return;
  info.GetReturnValue().Set(promise);
  body->reader.read(limits::kAssetChunkBytes, [call = *call](Result<std::string> piece) {
    if (!piece) return call.fail("the asset cannot be read: " + piece.error().message);
    call.answer([piece = std::move(*piece)](v8::Isolate* isolate,
                                            v8::Local<v8::Context>) -> v8::MaybeLocal<v8::Value> {
      v8::Local<v8::Uint8Array> bytes;
      if (!api::to_uint8_array(isolate, piece).ToLocal(&bytes)) return {};
      return bytes;
    });
  });
}

}  // namespace

std::span<const api::Op> assets_ops() {
  static constexpr api::Op ops[] = {{"assets_fetch", assets_fetch}, {"assets_read", assets_read}};
  return ops;
}

}  // namespace skep::bindings
