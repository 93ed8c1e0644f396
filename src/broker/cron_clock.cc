#include "broker/cron_clock.h"

#include <utility>

#include "base/limits_cron.h"
#include "base/log.h"

namespace skep::broker {
namespace {

constexpr int64_t kMinuteMs = 60'000;
// Where the wall clock is set back, no timer says so.
constexpr int64_t kMostWaitMs = 30'000;

}  // namespace

CronClock::CronClock(loop::Loop& loop, bindings::CronRuns& runs, Hooks hooks)
    : runs_(runs), hooks_(std::move(hooks)), timer_(loop, [this] { tick(); }) {}

void CronClock::set(uint32_t worker, const std::string& name,
                    const std::vector<std::string>& crons) {
  auto before = std::exchange(triggers_, {});
  for (auto& [key, trigger] : before) {
    if (trigger.worker != worker) triggers_.emplace(key, std::move(trigger));
  }
  for (const std::string& cron : crons) {
    auto schedule = config::CronSchedule::parse(cron);
    if (!schedule) continue;  // the configuration has been checked
    const bindings::CronKey key{name, cron};
    const auto old = before.find(key);
    // One that is new now waits for its next minute.
    const int64_t fresh = started_ ? hooks_.now_ms() / kMinuteMs : -1;
    triggers_[key] = {worker, std::move(*schedule), old != before.end() ? old->second.seen : fresh};
  }
  if (started_ && !triggers_.empty() && !timer_.armed()) tick();
}

Result<> CronClock::start() {
  started_ = true;
  if (triggers_.empty()) return {};
  SKEP_TRY_ASSIGN(known_, runs_.load());
  const int64_t minute = hooks_.now_ms() / kMinuteMs;
  std::vector<bindings::CronKey> fresh, gone;
  for (auto& [key, trigger] : triggers_) {
    const auto known = known_.find(key);
    trigger.seen = known != known_.end() ? known->second : minute;
    if (known == known_.end()) fresh.push_back(key);
  }
  for (const auto& [key, seen] : known_) {
    if (!triggers_.contains(key)) gone.push_back(key);
  }
  known_.clear();
  runs_.forget(std::move(gone));
  if (!fresh.empty()) {
    runs_.record(std::move(fresh), minute, [](Result<> result) {
      if (!result) log_error("cron: {}", result.error().message);
    });
  }
  tick();
  return {};
}

void CronClock::tick() {
  if (triggers_.empty()) return;
  const int64_t now_ms = hooks_.now_ms();
  look(now_ms / kMinuteMs);
  timer_.set_ms(std::min(kMostWaitMs, kMinuteMs - now_ms % kMinuteMs));
}

void CronClock::look(int64_t minute) {
  std::vector<bindings::CronKey> due;
  for (auto& [key, trigger] : triggers_) {
    // Also where the wall clock went back: what was looked at is not looked at again.
    if (trigger.seen >= minute) continue;
    trigger.seen = minute;
    if (trigger.schedule.runs_at(minute)) due.push_back(key);
  }
  if (due.empty()) return;
  // First on the disk, then the run: a crash in between loses it, but never doubles it.
  runs_.record(due, minute, [this, due, minute](Result<> result) {
    if (!result) return log_error("cron: nothing runs: {}", result.error().message);
    for (const bindings::CronKey& key : due) {
      const auto found = triggers_.find(key);
      if (found != triggers_.end()) run(key, found->second.worker, minute);
    }
  });
}

void CronClock::run(const bindings::CronKey& key, uint32_t worker, int64_t minute) {
  if (running_ >= limits::kScheduledWaiting)
    return log_error("cron: {} \"{}\" is left out: {} runs go on", key.worker, key.cron, running_);
  running_++;
  hooks_.run(worker, key.cron, static_cast<double>(minute * kMinuteMs),
             [this, key](Result<std::string> outcome) {
               running_--;
               if (outcome) {
                 log_info("cron: {} \"{}\": {}", key.worker, key.cron, *outcome);
               } else {
                 log_error("cron: {} \"{}\": {}", key.worker, key.cron, outcome.error().message);
               }
             });
}

}  // namespace skep::broker
