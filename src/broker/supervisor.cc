#include "broker/supervisor.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "base/limits.h"
#include "base/log.h"

namespace skep::broker {
namespace {

// A zygote tells how its shard ended a moment after the broker sees that it did.
constexpr int64_t kObituaryMs = 500;
// Of the first shards: more than a few deaths before one attaches are no accident.
constexpr unsigned kEarlyDeaths = 3;

int64_t next_pause(int64_t pause_ms) {
  return pause_ms == 0 ? limits::kBackoffFirstMs : std::min(pause_ms * 2, limits::kBackoffLastMs);
}

}  // namespace

Supervisor::Supervisor(HostServices& services, const Listeners& listeners, ZygoteOptions zygote,
                       unsigned shards, bool replace, Callbacks callbacks)
    : services_(services),
      listeners_(listeners),
      zygote_options_(std::move(zygote)),
      replace_(replace),
      callbacks_(std::move(callbacks)),
      zygote_due_(services.loop,
                  [this] {
                    auto started = start_zygote();
                    if (started) return;
                    if (!all_attached_) return fatal(started.error().message);
                    log_error("{}", started.error().message);
                    start_zygote_later();
                  }),
      zygote_old_(services.loop, [this] { zygote_due_.set_ms(0); }),
      drain_limit_(services.loop,
                   [this] {
                     log_warn("requests were still in flight after {} s: they are cut off",
                              limits::kDrainMs / 1000);
                     for_each_process([](ShardProcess& process) { process.close(); });
                   }),
      obituaries_due_(services.loop, [this] { publish_obituaries(); }) {
  for (unsigned i = 0; i < shards; ++i)
    slots_.push_back(std::make_unique<Slot>(services.loop, [this, i] { want_process(i); }));
}

Supervisor::~Supervisor() = default;

Result<> Supervisor::start() {
  for (auto& slot : slots_) slot->waiting = true;
  return start_zygote();
}

Result<> Supervisor::start_zygote() {
  // The callbacks need to know whose they are: a zygote that was replaced lives on with its shards.
  auto owner = std::make_shared<ZygoteClient*>(nullptr);
  ZygoteClient::Callbacks callbacks;
  callbacks.on_ready = [this, owner](const std::string& missing) { zygote_ready(*owner, missing); };
  callbacks.on_spawned = [this](uint32_t sequence, pid_t pid, UniqueFd pidfd) {
    spawned(sequence, pid, std::move(pidfd));
  };
  callbacks.on_failed = [this](uint32_t sequence, const std::string& why) {
    spawn_failed(sequence, why);
  };
  callbacks.on_exited = [this](pid_t pid, int status) { process_exited(pid, status); };
  callbacks.on_gone = [this, owner](const std::string& why) { zygote_gone(*owner, why); };
  SKEP_TRY_ASSIGN(zygote_,
                  ZygoteClient::start(services_.loop, zygote_options_, std::move(callbacks)));
  *owner = zygote_.get();
  zygote_due_.cancel();
  zygote_old_.set_ms(limits::kZygoteAgeMs);
  return {};
}

void Supervisor::zygote_ready(ZygoteClient* zygote, const std::string& missing) {
  if (zygote != zygote_.get()) return;
  zygote_pause_ms_ = 0;
  if (!all_attached_ && !missing.empty())
    log_warn("the shards' sandbox is reduced; it lacks:\n{}", missing);
  for (unsigned i = 0; i < slots_.size(); ++i)
    if (slots_[i]->waiting) spawn(i);
}

void Supervisor::zygote_gone(ZygoteClient* zygote, const std::string& why) {
  const bool current = zygote == zygote_.get();
  const std::shared_ptr<ZygoteClient> keep = current ? zygote_ : nullptr;
  if (current) zygote_.reset();
  for_each_process([zygote](ShardProcess& process) {
    if (process.zygote().get() == zygote) process.zygote_gone();
  });
  if (!current || stopping_ || failed_) return;
  if (!all_attached_ || !replace_) return fatal(why);
  log_error("{}; the next one starts in {} ms", why, zygote_pause_ms_);
  start_zygote_later();
}

void Supervisor::start_zygote_later() {
  zygote_due_.set_ms(zygote_pause_ms_);
  zygote_pause_ms_ = next_pause(zygote_pause_ms_);
}

// The slot is to have a process: now, or as soon as there is a zygote.
void Supervisor::want_process(unsigned index) {
  if (stopping_ || failed_) return;
  slots_[index]->waiting = true;
  if (zygote_ != nullptr) {
    if (zygote_->ready()) spawn(index);
  } else if (!zygote_due_.armed()) {
    zygote_due_.set_ms(0);
  }
}

void Supervisor::spawn(unsigned index) {
  Slot& slot = *slots_[index];
  slot.waiting = false;
  ShardProcess::Callbacks callbacks;
  callbacks.listeners = [this, index] { return listeners_.of_shard(index); };
  callbacks.on_attached = [this, index] { shard_attached(index); };
  // A zygote that answers with sequence 0 speaks of itself.
  if (++sequence_ == 0) ++sequence_;
  callbacks.on_unwell = [this, sequence = sequence_] { shard_unwell(sequence); };
  callbacks.on_drained = [this, sequence = sequence_] { shard_drained(sequence); };
  callbacks.on_ended = [this, sequence = sequence_] { shard_ended(sequence); };
  auto process = std::make_unique<ShardProcess>(services_, index, sequence_, zygote_, replace_,
                                                std::move(callbacks));
  const auto started = process->start();
  if (slot.process != nullptr) slot.retiring.push_back(std::move(slot.process));
  if (started) {
    slot.process = std::move(process);
    return;
  }
  if (!all_attached_) return fatal(started.error().message);
  log_error("shard {}: {}", index, started.error().message);
  replace(index, false, 0);
}

Supervisor::Slot* Supervisor::slot_of(uint32_t sequence, unsigned* index) {
  for (unsigned i = 0; i < slots_.size(); ++i) {
    const ShardProcess* process = slots_[i]->process.get();
    if (process == nullptr || process->sequence() != sequence) continue;
    *index = i;
    return slots_[i].get();
  }
  return nullptr;
}

// Of the present processes and of those before them; null where it has ended.
ShardProcess* Supervisor::find(uint32_t sequence, unsigned* index) {
  if (Slot* slot = slot_of(sequence, index)) return slot->process.get();
  for (unsigned i = 0; i < slots_.size(); ++i)
    for (const auto& process : slots_[i]->retiring)
      if (process->sequence() == sequence) return *index = i, process.get();
  return nullptr;
}

// A visit may end processes, and so change the lists.
void Supervisor::for_each_process(const std::function<void(ShardProcess&)>& visit) {
  std::vector<uint32_t> sequences;
  for (const auto& slot : slots_) {
    if (slot->process != nullptr) sequences.push_back(slot->process->sequence());
    for (const auto& process : slot->retiring) sequences.push_back(process->sequence());
  }
  unsigned index;
  for (const uint32_t sequence : sequences)
    if (ShardProcess* process = find(sequence, &index)) visit(*process);
}

void Supervisor::spawned(uint32_t sequence, pid_t pid, UniqueFd pidfd) {
  unsigned index;
  // Of a slot that gave up on it: its socket is closed, and a shard without a broker ends.
  if (Slot* slot = slot_of(sequence, &index)) slot->process->spawned(pid, std::move(pidfd));
}

void Supervisor::spawn_failed(uint32_t sequence, const std::string& why) {
  unsigned index;
  Slot* slot = slot_of(sequence, &index);
  if (slot == nullptr) return;
  if (!all_attached_ || !replace_) return fatal(why);
  log_error("shard {} could not be started: {}", index, why);
  slot->process->spawn_failed();
}

void Supervisor::shard_attached(unsigned index) {
  slots_[index]->early_deaths = 0;
  for (auto& process : slots_[index]->retiring) process->drain();
  if (all_attached_ || attached() != slots_.size()) return;
  all_attached_ = true;
  callbacks_.on_all_attached();
}

// Its successor starts first, then it is drained: nobody waits for it. A tenant that brings this
// about over and over gets a shard that is as long in the state as the pause is.
void Supervisor::shard_unwell(uint32_t sequence) {
  unsigned index;
  Slot* slot = slot_of(sequence, &index);
  if (slot == nullptr || !replace_ || stopping_ || failed_) return;
  log_warn(
      "shard {} (process {}) had to leave an isolate behind that could not be stopped: "
      "another one takes its place",
      index, slot->process->pid());
  const int64_t lived_ms = (services_.loop.now_ns() - slot->process->attached_ns()) / 1'000'000;
  replace(index, true, lived_ms);
}

void Supervisor::shard_drained(uint32_t sequence) {
  unsigned index;
  if (ShardProcess* process = find(sequence, &index)) process->close();
}

void Supervisor::shard_ended(uint32_t sequence) {
  unsigned index;
  ShardProcess* ending = find(sequence, &index);
  if (ending == nullptr) return;
  Slot& slot = *slots_[index];
  if (ending != slot.process.get()) return retired(slot, index, ending);
  const std::unique_ptr<ShardProcess> process = std::move(slot.process);
  if (stopping_ || failed_) return check_stopped();
  report_end(index, *process);
  const bool attached = process->attached_ns() != 0;
  const int64_t lived_ms =
      attached ? (services_.loop.now_ns() - process->attached_ns()) / 1'000'000 : 0;
  replace(index, attached, lived_ms);
}

void Supervisor::retired(Slot& slot, unsigned index, ShardProcess* process) {
  const auto found = std::find_if(slot.retiring.begin(), slot.retiring.end(),
                                  [process](const auto& p) { return p.get() == process; });
  const std::unique_ptr<ShardProcess> gone = std::move(*found);
  slot.retiring.erase(found);
  if (stopping_ || failed_) return check_stopped();
  if (!gone->reason().empty()) report_end(index, *gone);
}

void Supervisor::report_end(unsigned index, const ShardProcess& process) {
  std::string text = fmt::format("shard {} (process {}) is gone", index, process.pid());
  if (!process.reason().empty()) text += fmt::format(": {}", process.reason());
  if (process.pid() < 0) return log_error("{}", text);
  for (const auto& [pid, status] : exits_)
    if (pid == process.pid()) return log_error("{}: {}", text, describe_wait_status(status));
  obituaries_.push_back({process.pid(), std::move(text), process.zygote()});
  obituaries_due_.set_ms(kObituaryMs);
}

void Supervisor::process_exited(pid_t pid, int status) {
  const auto obituary = std::find_if(obituaries_.begin(), obituaries_.end(),
                                     [pid](const Obituary& o) { return o.pid == pid; });
  if (obituary != obituaries_.end()) {
    log_error("{}: {}", obituary->text, describe_wait_status(status));
    obituaries_.erase(obituary);
    return;
  }
  exits_.emplace_back(pid, status);
  if (exits_.size() > limits::kShards) exits_.pop_front();
}

void Supervisor::publish_obituaries() {
  for (const Obituary& obituary : obituaries_) log_error("{}", obituary.text);
  obituaries_.clear();
}

void Supervisor::replace(unsigned index, bool attached, int64_t lived_ms) {
  if (!replace_) return fatal("the shard is gone");
  Slot& slot = *slots_[index];
  if (!attached && !all_attached_ && ++slot.early_deaths >= kEarlyDeaths)
    return fatal(fmt::format("shard {} ended {} times before it was ready", index, kEarlyDeaths));
  // The next shards get other addresses and seeds than the one that crashed.
  if (zygote_ != nullptr && zygote_->ready()) zygote_.reset();
  if (lived_ms >= limits::kShardHealthyMs) slot.pause_ms = 0;
  if (slot.pause_ms == 0) {
    slot.due.cancel();
    want_process(index);
  } else {
    slot.due.set_ms(slot.pause_ms);
  }
  slot.pause_ms = next_pause(slot.pause_ms);
}

void Supervisor::child_ended(pid_t pid, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  if (!stopping_) log_warn("process {} {}", pid, describe_wait_status(status));
}

Result<uint64_t> Supervisor::resident_bytes(unsigned index) const {
  const std::string path = fmt::format("/proc/{}/statm", slots_[index]->process->pid());
  std::ifstream file(path);
  uint64_t pages, resident_pages;
  if (!(file >> pages >> resident_pages)) return fail(fmt::format("cannot read {}", path));
  return resident_pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

unsigned Supervisor::attached() const {
  return static_cast<unsigned>(std::count_if(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot->process != nullptr && slot->process->state() == ShardProcess::State::attached;
  }));
}

void Supervisor::each_attached(
    const std::function<void(unsigned index, uint32_t sequence, rpc::Shard::Client)>& visit) {
  const auto see = [&](unsigned index, const std::unique_ptr<ShardProcess>& process) {
    if (process != nullptr && (process->state() == ShardProcess::State::attached ||
                               process->state() == ShardProcess::State::draining))
      visit(index, process->sequence(), process->shard());
  };
  for (unsigned i = 0; i < slots_.size(); ++i) {
    see(i, slots_[i]->process);
    for (const auto& process : slots_[i]->retiring) see(i, process);
  }
}

void Supervisor::reload(uint32_t worker, uint64_t version) {
  for_each_process([=](ShardProcess& process) { process.reload(worker, version); });
}

void Supervisor::update_tls() {
  for (auto& slot : slots_)
    if (slot->process != nullptr) slot->process->update_tls();
}

void Supervisor::stop() {
  if (stopping_) return;
  stopping_ = true;
  zygote_due_.cancel();
  zygote_old_.cancel();
  drain_limit_.set_ms(limits::kDrainMs);
  for (auto& slot : slots_) {
    slot->due.cancel();
    slot->waiting = false;
  }
  for_each_process([](ShardProcess& process) {
    if (process.state() == ShardProcess::State::attached) {
      process.drain();
    } else if (process.state() != ShardProcess::State::draining) {
      process.close();
    }
  });
  check_stopped();
}

void Supervisor::kill_all() {
  stopping_ = true;
  for_each_process([](ShardProcess& process) { process.kill("the broker ends"); });
  check_stopped();
}

void Supervisor::check_stopped() {
  const bool left = std::any_of(slots_.begin(), slots_.end(), [](const auto& slot) {
    return slot->process != nullptr || !slot->retiring.empty();
  });
  if (!stopping_ || left || stopped_) return;
  stopped_ = true;
  drain_limit_.cancel();
  zygote_.reset();
  callbacks_.on_stopped();
}

void Supervisor::fatal(const std::string& why) {
  if (failed_) return;
  failed_ = true;
  callbacks_.on_fatal(why);
}

}  // namespace skep::broker
