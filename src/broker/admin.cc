#include "broker/admin.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "base/limits_edge.h"
#include "base/log.h"
#include "base/time.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

constexpr std::string_view kOpenMetrics =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

uint64_t own_resident_bytes() {
  std::ifstream file("/proc/self/statm");
  uint64_t pages = 0, resident_pages = 0;
  if (!(file >> pages >> resident_pages)) return 0;
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

// One request; owned by itself until its exchange is closed and nothing will call it.
class AdminServer::Visit final : public net::ExchangeEvents,
                                 public std::enable_shared_from_this<Visit> {
 public:
  explicit Visit(net::HttpExchange& exchange) : exchange_(&exchange) {}

  void on_body(std::span<const char>) override {}
  void on_body_end() override {}
  void on_writable() override {}
  void on_closed(bool) override {
    exchange_ = nullptr;
    self_.reset();
  }

  void answer(std::string_view type, std::string_view body) {
    if (exchange_ == nullptr) return;
    const net::Header headers[] = {{"Content-Type", type}, {"Cache-Control", "no-store"}};
    net::ResponseHead head;
    head.headers = headers;
    head.content_length = body.size();
    exchange_->respond(head, body, true);
  }

  net::HttpExchange* exchange_;
  std::shared_ptr<Visit> self_;
};

// The answers of all shards, or of those that come in time.
class AdminServer::Scrape {
 public:
  Scrape(AdminServer& server, std::function<void(std::string)> done)
      : server_(server),
        done_(std::move(done)),
        late_(server.loop_, [this] { finish(); }),
        complete_([this] { finish(); }) {}

  void finish() {
    if (!done_) return;
    late_.cancel();
    server_.metrics_.keep(alive);
    const auto done = std::exchange(done_, nullptr);
    const auto keep = std::exchange(self, nullptr);
    done(server_.metrics_.text(server_.own_counts()));
  }
  void wait() { late_.set_ms(limits::kAdminStatsMs); }
  void one_more() { server_.loop_.defer(complete_); }

  std::vector<uint32_t> alive;
  size_t open = 0;
  std::shared_ptr<Scrape> self;  // until it has finished

 private:
  AdminServer& server_;
  std::function<void(std::string)> done_;
  loop::Timer late_;
  loop::Deferred complete_;
};

AdminServer::AdminServer(loop::Loop& loop, UniqueFd listening, Supervisor& supervisor,
                         std::vector<std::string> workers, const AccessLog* access)
    : loop_(loop),
      supervisor_(supervisor),
      access_(access),
      metrics_(std::move(workers)),
      server_(loop, *this, {.max_connections = limits::kAdminConnections, .max_body_bytes = 0}),
      acceptor_(loop, std::move(listening), *this) {
  acceptor_.start();
}

AdminServer::~AdminServer() noexcept = default;

void AdminServer::on_connection(UniqueFd fd, loop::PeerAddress peer) {
  server_.add_connection(std::move(fd), std::move(peer));
}

void AdminServer::on_accept_error(int error) {
  log_error("the admin socket takes no connections: {}", std::strerror(error));
}

void AdminServer::on_request(net::HttpExchange& exchange) {
  const auto visit = std::make_shared<Visit>(exchange);
  visit->self_ = visit;
  exchange.set_events(visit.get());
  const net::RequestHead& head = exchange.head();
  const std::string_view path = head.target.substr(0, head.target.find('?'));
  if (head.method != "GET" && head.method != "HEAD") return net::write_plain_error(exchange, 405);
  if (path == "/health") {
    if (supervisor_.attached() == 0)
      return net::write_plain_error(exchange, 503, "no shard serves");
    return visit->answer("text/plain; charset=utf-8", "ok\n");
  }
  if (path != "/metrics") return net::write_plain_error(exchange, 404);
  collect([visit](std::string text) { visit->answer(kOpenMetrics, text); });
}

void AdminServer::collect(std::function<void(std::string)> done) {
  const auto scrape = std::make_shared<Scrape>(*this, std::move(done));
  scrape->self = scrape;
  supervisor_.each_attached([&](unsigned index, uint32_t sequence, rpc::Shard::Client shard) {
    scrape->alive.push_back(sequence);
    scrape->open++;
    auto request = shard.statsRequest();
    request.setDetails(true);
    auto answer = request.send().then([this, index, sequence](auto&& response) {
      metrics_.take(index, sequence, response.getStats());
    });
    tasks_.add(rpc::when_done(kj::mv(answer), [scrape](Result<>) {
      if (--scrape->open == 0) scrape->one_more();
    }));
  });
  scrape->wait();
  if (scrape->open == 0) scrape->one_more();
}

BrokerCounts AdminServer::own_counts() const {
  return {.shard_starts = supervisor_.shard_starts(),
          .shards = supervisor_.attached(),
          .access_written = access_ != nullptr ? access_->written() : 0,
          .access_dropped = access_ != nullptr ? access_->dropped() : 0,
          .cpu_seconds = static_cast<double>(process_cpu_ns()) / 1e9,
          .resident_bytes = own_resident_bytes()};
}

}  // namespace skep::broker
