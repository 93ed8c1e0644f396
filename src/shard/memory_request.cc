#include "shard/memory_request.h"

#include <utility>

namespace skep::shard {

MemoryRequest::MemoryRequest(loop::Loop& loop, std::string method, std::string url,
                             std::vector<std::pair<std::string, std::string>> headers,
                             std::string body)
    : loop_(loop),
      method_(std::move(method)),
      url_(std::move(url)),
      header_text_(std::move(headers)),
      body_(std::move(body)),
      deliver_([this] { deliver(); }) {
  for (const auto& [name, value] : header_text_) headers_.push_back({name, value});
}

void MemoryRequest::send(api::Runtime& runtime, std::function<void(MemoryResponse)> done) {
  done_ = std::move(done);
  if (runtime.fetch(*this, *this, "") != nullptr || !done_) return;
  response_.failure.outcome = api::Outcome::canceled;
  response_.failure.exception.message = "The worker takes no more events.";
  std::exchange(done_, nullptr)(std::move(response_));
}

// Always on the loop's stack, never from within the runtime's call.
void MemoryRequest::pull_body() {
  loop_.defer(deliver_);
}

void MemoryRequest::deliver() {
  if (events_ == nullptr) return;
  if (delivered_ == body_.size()) return events_->on_body_end();
  delivered_ = body_.size();
  events_->on_body(body_);
}

void MemoryRequest::respond(const net::ResponseHead& head, std::string_view body, bool finish) {
  response_.status = head.status;
  response_.body.assign(body);
}

bool MemoryRequest::write(std::string_view data) {
  response_.body.append(data);
  return true;
}

void MemoryRequest::on_failed(const api::EventResult& result, bool pass_through) {
  response_.failure = result;
}

void MemoryRequest::on_end(const api::EventResult& result) {
  events_ = nullptr;
  if (result.outcome != api::Outcome::ok) response_.failure = result;
  std::exchange(done_, nullptr)(std::move(response_));
}

}  // namespace skep::shard
