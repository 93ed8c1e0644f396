// The broker's part in cron triggers: what is configured, and which shard runs it.
#include <algorithm>

#include "base/log.h"
#include "base/time.h"
#include "broker/broker.h"
#include "rpc/outcome.h"

namespace skep::broker {
namespace {

std::string in_url(std::string cron) {
  std::ranges::replace(cron, ' ', '+');
  return cron;
}

}  // namespace

// serve: the clock. dev: only says what there is; a request runs it.
void Broker::start_cron() {
  if (options_.mode == Mode::once) return;
  if (options_.mode == Mode::dev) {
    for (size_t i = 0; i < deployments_->size(); ++i) {
      for (const std::string& cron : deployments_->at(i).crons())
        log_info("cron {} of {}: run it by /cdn-cgi/handler/scheduled?cron={}", cron,
                 deployments_->at(i).name(), in_url(cron));
    }
    return;
  }
  cron_tasks_ = std::make_unique<kj::TaskSet>(cron_errors_);
  cron_.emplace(*loop_, bindings_->cron_runs(),
                CronClock::Hooks{[] { return static_cast<int64_t>(wall_clock_ms()); },
                                 [this](uint32_t worker, const std::string& cron, double time_ms,
                                        std::function<void(Result<std::string>)> done) {
                                   run_cron(worker, cron, time_ms, std::move(done));
                                 }});
  for (size_t i = 0; i < deployments_->size(); ++i) read_crons(i);
  if (auto started = cron_->start(); !started)
    log_error("cron: nothing will run: {}", started.error().message);
}

void Broker::read_crons(size_t index) {
  const Deployment& deployment = deployments_->at(index);
  cron_->set(static_cast<uint32_t>(index), deployment.name(), deployment.crons());
}

// One shard after the other.
void Broker::run_cron(uint32_t worker, const std::string& cron, double time_ms,
                      std::function<void(Result<std::string>)> done) {
  std::vector<rpc::Shard::Client> shards;
  supervisor_->each_attached(
      [&](unsigned, uint32_t, rpc::Shard::Client shard) { shards.push_back(kj::mv(shard)); });
  if (shards.empty()) return done(fail("no shard could run it"));
  auto request = shards[cron_turn_++ % shards.size()].scheduledRequest();
  request.setWorker(worker);
  request.setCron({cron.c_str(), cron.size()});
  request.setTimeMs(time_ms);
  cron_tasks_->add(rpc::when_done(request.send().then([](auto&& response) {
    return std::string(response.getOutcome().cStr());
  }),
                                  std::move(done)));
}

}  // namespace skep::broker
