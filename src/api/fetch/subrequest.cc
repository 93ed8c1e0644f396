#include "api/fetch/subrequest.h"

#include <utility>

#include "api/base/values.h"
#include "api/event/errors.h"
#include "api/rpc/values.h"
#include "api/runtime_impl.h"
#include "base/assert.h"
#include "base/limits.h"
#include "base/limits_fetch.h"
#include "net/headers.h"

namespace skep::api {
namespace {

constexpr const char* kBadCoding = "The body of the response is not coded as its Content-Encoding.";
constexpr const char* kTooLarge =
    "The bodies that this Worker reads whole need more memory than it may have.";

v8::Local<v8::Promise::Resolver> new_resolver(v8::Local<v8::Context> context) {
  return v8::Promise::Resolver::New(context).ToLocalChecked();
}

}  // namespace

// The head outlives its exchange: JavaScript may ask for a header when the body is long through.
struct Subrequest::KeptHead {
  explicit KeptHead(const net::ClientResponseHead& head) {
    size_t bytes = head.status_text.size();
    for (const net::Header& header : head.headers) {
      bytes += header.name.size() + header.value.size();
    }
    text.reserve(bytes);  // the views below point into it
    status_text = keep(head.status_text);
    headers.reserve(head.headers.size());
    for (const net::Header& header : head.headers) {
      headers.push_back({.name = keep(header.name), .value = keep(header.value)});
    }
  }
  std::string_view keep(std::string_view part) {
    const size_t start = text.size();
    text.append(part);
    return std::string_view(text).substr(start, part.size());
  }

  std::string text;
  std::string_view status_text;
  std::vector<net::Header> headers;
};

Subrequest::Subrequest(Event& event) : Resource(event, Kind::subrequest) {}

Subrequest::~Subrequest() {
  if (sink_) event().drop_sink();
  free_buffer();
}

void Subrequest::start(net::HttpClient& client, const net::ClientRequest& request) {
  exchange_ = client.start(request, *this);
}

// ---- the head
// --------------------------------------------------------------------------------

v8::Local<v8::Promise> Subrequest::when_head(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  auto resolver = new_resolver(context);
  head_resolver_.Reset(isolate, resolver);
  event().add_pending();
  if (has_head() || !error_.empty() || !abort_reason_.IsEmpty()) settle_head(isolate, context);
  return resolver->GetPromise();
}

void Subrequest::on_head(const net::ClientResponseHead& head) {
  kept_head_ = std::make_unique<KeptHead>(head);
  head_ = head;
  head_.status_text = kept_head_->status_text;
  head_.headers = kept_head_->headers;
  const size_t codings = net::count_headers(head.headers, "content-encoding");
  coding_ = codings > 1 ? std::nullopt
                        : net::coding_named(net::header_value(head.headers, "content-encoding"));
  if (coding_ == net::Coding::brotli && !event().runtime().has_flag("brotli_content_encoding")) {
    coding_ = std::nullopt;
  }
  head_due_ = true;
  event().wake_resource(*this);  // `this` may be gone
}

void Subrequest::settle_head(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (head_resolver_.IsEmpty()) return;
  auto resolver = head_resolver_.Get(isolate);
  head_resolver_.Reset();
  event().remove_pending();
  if (has_head() && abort_reason_.IsEmpty()) {
    (void)resolver->Resolve(context, v8::Undefined(isolate));
  } else {
    (void)resolver->Reject(context, failure(isolate, context));
  }
}

v8::Local<v8::Value> Subrequest::failure(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (!abort_reason_.IsEmpty()) return abort_reason_.Get(isolate);
  if (remote_) return remote_error(isolate, context, error_);
  v8::Local<v8::Value> error = v8::Exception::TypeError(js_text(isolate, error_));
  if (!error_detail_.empty()) {
    (void)error.As<v8::Object>()->DefineOwnProperty(context, js_name(isolate, "cause"),
                                                    js_text(isolate, error_detail_), v8::DontEnum);
  }
  return error;
}

// Workers' text where the connection was lost; ours where more can be said.
void Subrequest::on_failed(const net::ClientError& error) {
  if (error.kind == net::ClientFailure::refused) {
    error_ = "The request could not be sent: " + error.message;
  } else if (error.kind == net::ClientFailure::remote) {
    error_ = error.message;
    remote_ = true;
  } else {
    error_ = kConnectionLost;
    error_detail_ = error.message;
  }
  if (sink_) {
    sink_ = false;
    event().drop_sink();
  }
  if (body_ == Body::passing) {
    stop_passing();
    event().abort_response();
    event().settle();  // `this` may be gone
    return;
  }
  head_due_ = read_due_ = writable_due_ = true;
  event().wake_resource(*this);
}

void Subrequest::wake(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (std::exchange(head_due_, false)) settle_head(isolate, context);
  if (std::exchange(writable_due_, false)) settle_writable(isolate, context);
  if (std::exchange(read_due_, false)) settle_read(isolate, context);
}

// ---- the response's body, for JavaScript
// --------------------------------------------------------------------------------

v8::MaybeLocal<v8::Promise> Subrequest::read(v8::Local<v8::Context> context, BodyRead read) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  if (body_ == Body::reading || body_ == Body::passing) {
    throw_type_error(isolate, "This ReadableStream is currently locked to a reader.");
    return {};
  }
  auto resolver = new_resolver(context);
  read_resolver_.Reset(isolate, resolver);
  read_ = read;
  event().add_pending();
  if (!raw && !decoder_ && coding_ && *coding_ != net::Coding::identity && body_ == Body::idle) {
    decoder_ = net::make_decoder(*coding_);
  }
  if (body_ == Body::over || !error_.empty() || !abort_reason_.IsEmpty()) {
    settle_read(isolate, context);
    return resolver->GetPromise();
  }
  body_ = Body::reading;
  bytes_.clear();
  // What the decoder holds back comes first; the exchange never calls back from within pull_body.
  if (read_ == BodyRead::chunk && (decoder_full_ || coded_at_ < coded_.size())) {
    if (!decode_some(bytes_, limits::kDecodedChunkBytes)) error_ = kBadCoding;
    if (!bytes_.empty() || !error_.empty()) {
      settle_read(isolate, context);
      return resolver->GetPromise();
    }
  }
  next_of_body();
  return resolver->GetPromise();
}

void Subrequest::next_of_body() {
  if (exchange_) exchange_->pull_body();
}

void Subrequest::grow_buffer(size_t bytes) {
  counted_bytes_ += bytes;
  event().runtime().buffered_bytes += bytes;
}

void Subrequest::free_buffer() {
  event().runtime().buffered_bytes -= std::exchange(counted_bytes_, 0);
}

// Decodes up to `most` bytes more; false: it is not so coded.
bool Subrequest::decode_some(std::string& out, size_t most) {
  const size_t start = out.size();
  out.resize(start + most);
  size_t made = 0;
  bool good = true;
  while (made < most) {
    const net::CodingStep step = decoder_->step(std::string_view(coded_).substr(coded_at_),
                                                std::span(out.data() + start + made, most - made));
    coded_at_ += step.used;
    made += step.made;
    decoder_full_ = step.more;
    good = !step.failed;
    if (!good || (step.used == 0 && step.made == 0)) break;
    if (coded_at_ == coded_.size() && !step.more) break;
  }
  out.resize(start + made);
  if (coded_at_ == coded_.size()) {
    coded_.clear();
    coded_at_ = 0;
  }
  return good;
}

void Subrequest::on_body(std::span<const char> data) {
  if (body_ == Body::passing) {
    if (decoder_) {
      coded_.append(data.data(), data.size());
      return pass_more();
    }
    client_blocked_ = !event().write({data.data(), data.size()});
    if (!client_blocked_) next_of_body();
    return;
  }
  if (body_ != Body::reading) return;
  if (decoder_) {
    coded_.append(data.data(), data.size());
  } else {
    bytes_.append(data.data(), data.size());
    if (read_ != BodyRead::chunk) grow_buffer(data.size());
  }
  read_more();
}

// Bytes of a read under way have arrived. The event may be gone when it returns.
void Subrequest::read_more() {
  do {
    if (decoder_ && (decoder_full_ || coded_at_ < coded_.size())) {
      const size_t before = bytes_.size();
      if (!decode_some(bytes_, limits::kDecodedChunkBytes)) {
        error_ = kBadCoding;
        break;
      }
      if (read_ != BodyRead::chunk) grow_buffer(bytes_.size() - before);
    }
    if (event().runtime().buffered_bytes > limits::kBodiesBufferedBytes) {
      error_ = kTooLarge;
      break;
    }
    if (read_ == BodyRead::chunk && !bytes_.empty()) break;
  } while (decoder_ && (decoder_full_ || coded_at_ < coded_.size()));
  if (error_.empty() && (read_ != BodyRead::chunk || bytes_.empty()) && !ended_) {
    return next_of_body();
  }
  if (!error_.empty()) exchange_.reset();
  read_due_ = true;
  event().wake_resource(*this);
}

void Subrequest::on_body_end() {
  ended_ = true;
  if (decoder_ && !decoder_->complete()) {
    // Cut off, although the origin says that this was all.
    error_ = kBadCoding;
  }
  if (body_ == Body::passing) return pass_end();
  if (body_ != Body::reading) return;
  read_due_ = true;
  event().wake_resource(*this);
}

void Subrequest::settle_read(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (read_resolver_.IsEmpty()) return;
  auto resolver = read_resolver_.Get(isolate);
  read_resolver_.Reset();
  event().remove_pending();
  free_buffer();
  if (body_ == Body::reading) {
    body_ = ended_ && (read_ != BodyRead::chunk || bytes_.empty()) ? Body::over : Body::idle;
  }
  if (!error_.empty() || !abort_reason_.IsEmpty()) {
    body_ = Body::over;
    bytes_ = {};
    (void)resolver->Reject(context, failure(isolate, context));
    return;
  }
  v8::TryCatch caught(isolate);
  v8::Local<v8::Value> value;
  if (body_value(isolate, context, read_, bytes_).ToLocal(&value)) {
    if (read_ != BodyRead::chunk) bytes_ = {};
    (void)resolver->Resolve(context, value);
  } else if (caught.HasCaught() && !caught.HasTerminated()) {
    (void)resolver->Reject(context, caught.Exception());
  }
}

void Subrequest::cancel_body() {
  if (body_ == Body::passing) return;
  if (body_ == Body::idle) body_ = Body::over;
  if (body_ != Body::over) return;
  coded_ = {};
  bytes_ = {};
  decoder_.reset();
  // With a request body still on its way, the origin may yet want that.
  if (!sink_) exchange_.reset();
}

void Subrequest::abort(v8::Local<v8::Context> context, v8::Local<v8::Value> reason) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  if (body_ == Body::over || !abort_reason_.IsEmpty()) return;
  abort_reason_.Reset(isolate, reason);
  if (sink_) {
    sink_ = false;
    event().drop_sink();
  }
  if (body_ == Body::passing) {
    stop_passing();
    event().abort_response();
  }
  settle_head(isolate, context);
  settle_read(isolate, context);
  settle_writable(isolate, context);
  body_ = Body::over;
  exchange_.reset();
}

// ---- the response's body, straight to the client
// --------------------------------------------------------------------------------

void Subrequest::pass_to_client(const net::ResponseHead& head, bool decode) {
  if (body_ != Body::idle || !error_.empty() || !abort_reason_.IsEmpty()) {
    event().respond(head, {}, false);
    event().abort_response();
    return;
  }
  if (decode) decoder_ = net::make_decoder(*coding_);
  body_ = Body::passing;
  event().add_pending();
  event().respond_from(head, *this);
  if (body_ == Body::passing) next_of_body();
}

// Decoded pieces go out while the client takes them (loop).
void Subrequest::pass_more() {
  std::string piece;
  while (decoder_full_ || coded_at_ < coded_.size()) {
    piece.clear();
    if (!decode_some(piece, limits::kDecodedChunkBytes)) return fail_body(kBadCoding);
    if (piece.empty()) break;
    if (!event().write(piece)) {
      client_blocked_ = true;
      return;
    }
  }
  next_of_body();
}

void Subrequest::pass_end() {
  if (!error_.empty()) return fail_body(error_);
  stop_passing();
  event().finish();
  event().settle();  // `this` may be gone
}

void Subrequest::fail_body(std::string_view why) {
  error_ = why;
  stop_passing();
  event().abort_response();
  event().settle();
}

void Subrequest::stop_passing() {
  body_ = Body::over;
  event().remove_pending();
}

void Subrequest::client_writable() {
  if (body_ != Body::passing || !std::exchange(client_blocked_, false)) return;
  if (decoder_) return pass_more();
  next_of_body();
}

void Subrequest::client_left() {
  if (body_ != Body::passing) return;
  stop_passing();
  exchange_.reset();
}

// ---- the request's body
// --------------------------------------------------------------------------------

bool Subrequest::write(std::string_view data) {
  return !exchange_ || exchange_->write(data);
}

void Subrequest::finish() {
  if (exchange_) exchange_->finish();
}

v8::Local<v8::Promise> Subrequest::when_writable(v8::Local<v8::Context> context) {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  auto resolver = new_resolver(context);
  if (!exchange_ || !error_.empty() || !writable_resolver_.IsEmpty()) {
    (void)resolver->Resolve(context, v8::Boolean::New(isolate, false));
    return resolver->GetPromise();
  }
  writable_resolver_.Reset(isolate, resolver);
  event().add_pending();
  return resolver->GetPromise();
}

void Subrequest::settle_writable(v8::Isolate* isolate, v8::Local<v8::Context> context) {
  if (writable_resolver_.IsEmpty()) return;
  auto resolver = writable_resolver_.Get(isolate);
  writable_resolver_.Reset();
  event().remove_pending();
  const bool open = exchange_ && error_.empty() && abort_reason_.IsEmpty();
  (void)resolver->Resolve(context, v8::Boolean::New(isolate, open));
}

void Subrequest::on_writable() {
  if (sink_) return event().sink_writable();
  writable_due_ = true;
  event().wake_resource(*this);
}

bool Subrequest::take_event_body() {
  return sink_ = event().pass_body(*this);
}

bool Subrequest::take(std::span<const char> data) {
  return write({data.data(), data.size()});
}

void Subrequest::take_end() {
  sink_ = false;
  finish();
}

// The client went away in the middle of its body: the origin must not take it for a whole one.
void Subrequest::source_lost() {
  sink_ = false;
  exchange_.reset();
  error_ = kConnectionLost;
  error_detail_ = "the client left before its request was whole";
  if (body_ == Body::passing) stop_passing();
  head_due_ = read_due_ = true;
  event().wake_resource(*this);
}

std::unique_ptr<net::Upgraded> Subrequest::upgrade() {
  return exchange_ && head_.status == 101 ? exchange_->upgrade() : nullptr;
}

}  // namespace skep::api
