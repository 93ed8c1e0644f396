#include "net/client/pool.h"

#include <cerrno>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/limits_fetch.h"
#include "net/tls/tls_facts.h"

namespace skep::net {

struct Pool::Place {
  Place(Http1Owner& owner, Host& its_host, ConnectedStream connected)
      : host(its_host), connection(owner, std::move(connected.stream), std::move(connected.peer)) {
    connection.place = this;
  }

  Host& host;
  Http1Connection connection;
  std::list<std::unique_ptr<Place>>::iterator self;
  std::list<Place*>::iterator idle_at;
  bool idle = false;
};

struct Pool::Attempt {
  Attempt(Pool& pool, Host& its_host)
      : host(its_host), deadline(pool.loop_, [this, &pool] {
          pool.connected(*this, skep::fail_errno("cannot connect in time", ETIMEDOUT));
        }) {}

  Host& host;
  std::unique_ptr<ConnectAttempt> attempt;
  loop::Timer deadline;
  std::list<std::unique_ptr<Attempt>>::iterator self;
};

struct Pool::Host {
  std::string key;
  ConnectTarget target;
  std::list<std::unique_ptr<Place>> places;
  std::vector<Place*> idle;  // the last one was used last
  std::list<std::unique_ptr<Attempt>> attempts;
  std::list<std::unique_ptr<ClientSession>> sessions;
  std::deque<Http1Exchange*> waiting;
  bool due = false;
  bool starved = false;
  // One connection may do for all, as long as none has turned out to speak HTTP/1.1 only.
  bool multiplexed = false;

  size_t connections() const { return places.size() + attempts.size() + sessions.size(); }
};

Pool::Pool(loop::Loop& loop, Connector& connector, PoolOptions options)
    : loop_(loop),
      connector_(connector),
      options_(std::move(options)),
      serve_([this] { serve_due(); }),
      idle_timer_(loop, [this] { on_idle_timer(); }) {}

Pool::~Pool() {
  for (Http1Exchange* exchange : exchanges_) exchange->orphan();
}

std::unique_ptr<ClientExchange> Pool::start(const ClientRequest& request, ClientEvents& events) {
  Http1Owner& owner = *this;
  auto exchange = std::make_unique<Http1Exchange>(owner, request, events);
  exchanges_.insert(exchange.get());
  requests_++;
  if (!exchange->request().complaint().empty()) return exchange;
  if (waiting_ >= limits::kClientWaiting) {
    exchange->fail(ClientFailure::refused, "too many requests wait for a connection");
    return exchange;
  }
  enqueue(host_of(request), *exchange, false);
  return exchange;
}

Pool::Stats Pool::stats() const {
  return {.connections = connections_,
          .idle = idle_.size(),
          .waiting = waiting_,
          .opened = opened_,
          .requests = requests_};
}

Pool::Host& Pool::host_of(const ClientRequest& request) {
  // An upgrade needs a connection of its own, which speaks HTTP/1.1.
  const bool multiplexed = options_.http2 && request.upgrade.empty();
  std::string key(!request.secure ? "p " : multiplexed ? "m " : "s ");
  key.append(request.host).append(" ").append(std::to_string(request.port));
  auto& host = hosts_[key];
  if (!host) {
    host = std::make_unique<Host>();
    host->key = std::move(key);
    host->target.host = request.host;
    host->target.port = request.port;
    host->target.tls = request.secure;
    if (request.secure) {
      host->multiplexed = multiplexed;
      if (multiplexed) host->target.alpn.push_back("h2");
      host->target.alpn.push_back("http/1.1");
    }
  }
  return *host;
}

void Pool::enqueue(Host& host, Http1Exchange& exchange, bool first) {
  exchange.place = &host;
  if (first) {
    host.waiting.push_front(&exchange);
  } else {
    host.waiting.push_back(&exchange);
  }
  waiting_++;
  due(host);
}

// ---- serving what waits
// --------------------------------------------------------------------------------

void Pool::due(Host& host) {
  if (std::exchange(host.due, true)) return;
  due_.push_back(&host);
  loop_.defer(serve_);
}

void Pool::serve_due() {
  // What comes up meanwhile is for the next call.
  for (size_t count = due_.size(); count > 0; count--) {
    Host& host = *due_.front();
    due_.pop_front();
    host.due = false;
    serve(host);
    release_if_empty(host);
  }
  if (!due_.empty()) loop_.defer(serve_);
}

void Pool::serve(Host& host) {
  while (!host.waiting.empty() && serve_one(host)) {
  }
  // Those who wanted them are gone.
  while (host.attempts.size() > host.waiting.size()) {
    host.attempts.pop_back();
    connection_gone();
  }
  open_more(host);
}

bool Pool::serve_one(Host& host) {
  Http1Exchange& exchange = *host.waiting.front();
  ClientSession* session = nullptr;
  for (const auto& candidate : host.sessions) {
    if (candidate->has_room()) session = candidate.get();
  }
  if (session == nullptr && (host.idle.empty() || exchange.fresh_connection_only)) return false;
  host.waiting.pop_front();
  waiting_--;
  exchange.place = nullptr;
  if (session != nullptr) {
    exchange.delegate(*session);
    return true;
  }
  Place& place = *host.idle.back();
  host.idle.pop_back();
  idle_.erase(place.idle_at);
  place.idle = false;
  exchange.begin(place.connection);
  return true;
}

void Pool::open_more(Host& host) {
  while (host.attempts.size() < host.waiting.size()) {
    if (host.multiplexed && !host.attempts.empty()) return;
    if (!make_room(host)) return;
    auto attempt = std::make_unique<Attempt>(*this, host);
    Attempt& added = *attempt;
    host.attempts.push_back(std::move(attempt));
    added.self = std::prev(host.attempts.end());
    connections_++;
    opened_++;
    added.deadline.set_ms(limits::kClientConnectMs);
    added.attempt = connector_.connect(host.target, [this, &added](Result<ConnectedStream> result) {
      connected(added, std::move(result));
    });
  }
}

// Whether one more connection may be opened; one that idles elsewhere gives way.
bool Pool::make_room(Host& host) {
  if (host.connections() >= limits::kClientConnectionsPerHost) return false;
  if (connections_ < limits::kClientConnections) return true;
  if (!idle_.empty()) {
    drop_oldest_idle();
    return true;
  }
  if (!std::exchange(host.starved, true)) starved_.push_back(&host);
  return false;
}

void Pool::connected(Attempt& attempt, Result<ConnectedStream> result) {
  Host& host = attempt.host;
  // Destroyed at the end of this call: the callback that called us is its own.
  const std::unique_ptr<Attempt> owned = std::move(*attempt.self);
  host.attempts.erase(attempt.self);
  due(host);
  if (!result) {
    connection_gone();
    return fail_waiting(host, result.error());
  }
  const TlsFacts* tls = result->stream->tls();
  if (options_.http2 && tls != nullptr && tls->alpn == "h2") {
    return add_session(host, std::move(*result));
  }
  host.multiplexed = false;
  host.places.push_back(
      std::make_unique<Place>(static_cast<Http1Owner&>(*this), host, std::move(*result)));
  Place& place = *host.places.back();
  place.self = std::prev(host.places.end());
  if (host.waiting.empty()) {
    place.connection.stream().receive();
    return on_free(place.connection);
  }
  Http1Exchange& exchange = *host.waiting.front();
  host.waiting.pop_front();
  waiting_--;
  exchange.place = nullptr;
  exchange.begin(place.connection);
}

// Each attempt was one exchange's, or the only one, and then it was everyone's.
void Pool::fail_waiting(Host& host, const Error& error) {
  const int code = error.code;
  const bool refused = code == EACCES || code == ENOENT || code == EINVAL || code == EPROTO;
  for (size_t count = host.multiplexed ? host.waiting.size() : 1; count > 0; count--) {
    if (host.waiting.empty()) return;
    Http1Exchange& exchange = *host.waiting.front();
    host.waiting.pop_front();
    waiting_--;
    exchange.place = nullptr;
    exchange.fail(refused ? ClientFailure::refused : ClientFailure::lost, error.message);
  }
}

void Pool::add_session(Host& host, ConnectedStream connected) {
  auto slot = host.sessions.insert(host.sessions.end(), nullptr);
  // Called for as long as the session lives, and never from within its making.
  auto on_change = [this, &host, slot](bool broken) {
    due(host);
    if (!broken && (!(*slot)->idle() || host.sessions.size() == 1)) return;
    loop_.post([session = std::shared_ptr<ClientSession>(std::move(*slot))] {});
    host.sessions.erase(slot);
    connection_gone();
  };
  *slot = options_.http2(std::move(connected.stream), std::move(connected.peer), on_change);
}

// ---- connections come and go
// --------------------------------------------------------------------------------

void Pool::on_free(Http1Connection& connection) {
  Place& place = *static_cast<Place*>(connection.place);
  Host& host = place.host;
  place.idle = true;
  connection.free_since_ns = loop_.now_ns();
  host.idle.push_back(&place);
  place.idle_at = idle_.insert(idle_.end(), &place);
  if (!idle_timer_.armed()) idle_timer_.set_ms(limits::kClientIdleMs);
  if (!host.waiting.empty()) return due(host);
  if (idle_.size() > limits::kClientIdleConnections) drop_oldest_idle();
  if (host.idle.size() > limits::kClientIdlePerHost) remove(*host.idle.front());
}

void Pool::on_broken(Http1Connection& connection) {
  remove(*static_cast<Place*>(connection.place));
}

void Pool::remove(Place& place) {
  Host& host = place.host;
  if (place.idle) {
    std::erase(host.idle, &place);
    idle_.erase(place.idle_at);
  }
  host.places.erase(place.self);
  connection_gone();
  due(host);
}

void Pool::connection_gone() {
  SKEP_ASSERT(connections_ > 0);
  connections_--;
  if (starved_.empty()) return;
  Host& host = *starved_.front();
  starved_.pop_front();
  host.starved = false;
  due(host);
}

void Pool::drop_oldest_idle() {
  remove(*idle_.front());
}

void Pool::on_idle_timer() {
  const int64_t old_ns = loop_.now_ns() - limits::kClientIdleMs * 1'000'000;
  while (!idle_.empty() && idle_.front()->connection.free_since_ns <= old_ns) drop_oldest_idle();
  if (!idle_.empty()) idle_timer_.set_ms(limits::kClientIdleMs / 4);
}

void Pool::again(Http1Exchange& exchange) {
  enqueue(host_of(exchange.request().view()), exchange, true);
}

void Pool::forget(Http1Exchange& exchange) {
  exchanges_.erase(&exchange);
  if (exchange.place == nullptr) return;
  Host& host = *static_cast<Host*>(exchange.place);
  waiting_ -= std::erase(host.waiting, &exchange);
  due(host);
}

void Pool::release_if_empty(Host& host) {
  if (host.due || host.connections() > 0 || !host.waiting.empty()) return;
  std::erase(starved_, &host);
  hosts_.erase(std::string(host.key));
}

}  // namespace skep::net
