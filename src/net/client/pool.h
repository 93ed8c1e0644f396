// The HTTP client of one worker on one shard: connections to origins, kept for reuse by scheme,
// host and port, never shared with another worker. Bounds on all of it stand in limits_fetch.h.
// Owned by the worker; on the loop's thread.
#pragma once

#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "net/client/connector.h"
#include "net/client/exchange.h"
#include "net/client/http1_exchange.h"

namespace skep::net {

// A connection that carries many exchanges at once (HTTP/2).
class ClientSession : public HttpClient {
 public:
  virtual ~ClientSession() = default;
  // Whether one more exchange may start now.
  virtual bool has_room() const = 0;
  // No exchange is on it.
  virtual bool idle() const = 0;
};

struct PoolOptions {
  // Makes a session where ALPN agreed on "h2"; not set: only HTTP/1.1 is offered. on_change: the
  // session has room again, became idle, or (broken) takes nothing more.
  std::function<std::unique_ptr<ClientSession>(std::unique_ptr<Stream> stream,
                                               loop::PeerAddress peer,
                                               std::function<void(bool broken)> on_change)>
      http2;
};

class Pool final : public HttpClient, private Http1Owner {
 public:
  // `connector` outlives the pool.
  Pool(loop::Loop& loop, Connector& connector, PoolOptions options = {});
  // Exchanges that are left hear nothing more.
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  std::unique_ptr<ClientExchange> start(const ClientRequest& request,
                                        ClientEvents& events) override;

  struct Stats {
    size_t connections = 0;  // open and being opened
    size_t idle = 0;
    size_t waiting = 0;     // exchanges without a connection
    uint64_t opened = 0;    // connections so far
    uint64_t requests = 0;  // exchanges so far
  };
  Stats stats() const;

 private:
  struct Host;
  struct Attempt;
  struct Place;  // of a connection

  // Http1Owner
  loop::Loop& loop() override { return loop_; }
  void on_free(Http1Connection& connection) override;
  void on_broken(Http1Connection& connection) override;
  void again(Http1Exchange& exchange) override;
  void forget(Http1Exchange& exchange) override;

  Host& host_of(const ClientRequest& request);
  void enqueue(Host& host, Http1Exchange& exchange, bool first);
  void serve_due();
  void serve(Host& host);
  bool serve_one(Host& host);
  void open_more(Host& host);
  bool make_room(Host& host);
  void connected(Attempt& attempt, Result<ConnectedStream> result);
  void fail_waiting(Host& host, const Error& error);
  void add_session(Host& host, ConnectedStream connected);
  void remove(Place& place);
  void connection_gone();
  void drop_oldest_idle();
  void due(Host& host);
  void release_if_empty(Host& host);
  void on_idle_timer();

  loop::Loop& loop_;
  Connector& connector_;
  PoolOptions options_;
  std::unordered_map<std::string, std::unique_ptr<Host>> hosts_;
  std::list<Place*> idle_;     // of all hosts; the longest idle first
  std::deque<Host*> due_;      // that have something to serve
  std::deque<Host*> starved_;  // that wait for a connection of another host to go
  std::unordered_set<Http1Exchange*> exchanges_;
  size_t connections_ = 0;
  size_t waiting_ = 0;
  uint64_t opened_ = 0;
  uint64_t requests_ = 0;
  loop::Deferred serve_;
  loop::Timer idle_timer_;
};

}  // namespace skep::net
