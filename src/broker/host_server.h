// rpc::Host: what one shard may ask of the broker. The shard is hostile: it may call anything at
// any time with anything in it, and gets an error or less service for it. Made with a shard's
// connection and gone with it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bindings/broker/bindings.h"
#include "broker/access_log.h"
#include "broker/deployments.h"
#include "broker/log_output.h"
#include "broker/options.h"
#include "broker/outbound.h"
#include "broker/signing_desk.h"
#include "broker/tls_store.h"
#include "loop/loop.h"
#include "rpc/skep.capnp.h"

namespace skep::broker {

// What all shards' hosts share.
struct HostServices {
  loop::Loop& loop;
  const BrokerOptions& options;
  Deployments& deployments;
  LogOutput& log;
  const TlsStore& tls;
  const std::string& trusted_roots;  // PEM; empty: none were found
  std::shared_ptr<OutboundService> outbound;
  AccessLog* access = nullptr;                   // null: none
  bindings::BrokerBindings* bindings = nullptr;  // null: workers have none (tests)
};

class HostServer final : public rpc::Host::Server {
 public:
  // on_attach: takes the shard's capability and gives the listening sockets that are handed to it.
  using OnAttach = std::function<Result<std::vector<UniqueFd>>(rpc::Shard::Client)>;

  HostServer(HostServices& services, uint32_t shard_index, OnAttach on_attach);

  kj::Promise<void> attach(AttachContext context) override;
  kj::Promise<void> log(LogContext context) override;
  kj::Promise<void> accessLog(AccessLogContext context) override;
  kj::Promise<void> trustedRoots(TrustedRootsContext context) override;

  // What a shard is told when the certificates change.
  void write_tls(rpc::TlsConfig::Builder to) const;

 private:
  void write_edge(rpc::EdgeOptions::Builder to) const;
  void write_config(rpc::ShardConfig::Builder config);
  void write_signer(rpc::ShardConfig::Builder config);
  void write_workers(rpc::ShardConfig::Builder config);
  void report_dropped();

  HostServices& services_;
  uint32_t index_;
  OnAttach on_attach_;
  bool attached_ = false;
  RateLimit log_limit_;
  RateLimit access_limit_;
  uint64_t dropped_ = 0;
  std::shared_ptr<RateLimit> cache_budget_;
  std::optional<SigningDesk> signing_;
};

}  // namespace skep::broker
