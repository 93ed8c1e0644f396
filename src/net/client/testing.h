// For the tests of the HTTP client: a connector whose streams are in memory, and an owner of an
// exchange that writes down what it hears. Not part of skep.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/client/connector.h"
#include "net/client/exchange.h"
#include "net/testing.h"

namespace skep::net::testing {

// Answers when the test says so; its wires are the origin's ends.
class MemoryConnector final : public Connector {
 public:
  struct Waiting {
    ConnectTarget target;
    Done done;
    bool cancelled = false;
  };
  struct Attempt final : ConnectAttempt {
    std::shared_ptr<Waiting> waiting;
    ~Attempt() override { waiting->cancelled = true; }
  };

  std::unique_ptr<ConnectAttempt> connect(const ConnectTarget& target, Done done) override {
    auto attempt = std::make_unique<Attempt>();
    attempt->waiting = std::make_shared<Waiting>(target, std::move(done));
    attempts.push_back(attempt->waiting);
    return attempt;
  }

  // An attempt as any other; its target says TLS.
  std::unique_ptr<ConnectAttempt> start_tls(std::unique_ptr<Stream>, const ConnectTarget& target,
                                            Done done) override {
    return connect(target, std::move(done));
  }

  // Lets attempt `index` succeed; the wire of its stream.
  std::shared_ptr<Wire> accept(size_t index) {
    auto wire = std::make_shared<Wire>();
    wires.push_back(wire);
    auto done = attempts[index]->done;
    done(ConnectedStream{.stream = std::make_unique<MemoryStream>(wire), .peer = {}});
    return wire;
  }
  void refuse(size_t index, std::string_view why, int code) {
    auto done = attempts[index]->done;
    done(skep::fail_errno(why, code));
  }

  std::vector<std::shared_ptr<Waiting>> attempts;
  std::vector<std::shared_ptr<Wire>> wires;
};

class Asker final : public ClientEvents {
 public:
  void on_head(const ClientResponseHead& head) override {
    status = head.status;
    length = head.content_length;
    has_body = head.has_body;
    for (const Header& header : head.headers) {
      headers.append(header.name).append(": ").append(header.value).append("\n");
    }
    if (drop_at_head) return exchange.reset();
    if (pulls) exchange->pull_body();
  }
  void on_body(std::span<const char> data) override {
    body.append(data.data(), data.size());
    pieces++;
    if (drop_at_body) return exchange.reset();
    if (pulls) exchange->pull_body();
  }
  void on_body_end() override { ended = true; }
  void on_writable() override { writables++; }
  void on_failed(const ClientError& error) override {
    failed = true;
    kind = error.kind;
    why = error.message;
  }

  std::unique_ptr<ClientExchange> exchange;
  bool pulls = true;
  bool drop_at_head = false;
  bool drop_at_body = false;
  int status = 0;
  std::optional<uint64_t> length;
  bool has_body = false;
  std::string headers, body, why;
  ClientFailure kind{};
  size_t pieces = 0;
  size_t writables = 0;
  bool ended = false;
  bool failed = false;
};

inline ClientRequest get(std::string_view host = "origin.test", std::string_view target = "/") {
  ClientRequest request;
  request.host = request.authority = host;
  request.port = 80;
  request.method = "GET";
  request.target = target;
  return request;
}

}  // namespace skep::net::testing
