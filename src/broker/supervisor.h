// Keeps the shards alive: one process for each, replaced when it dies, with a pause that grows
// where that happens often. One that is unwell goes on until its successor serves, and is then
// drained. A new zygote after a crash and every few hours, so that hash seeds and
// address layout are not the same for ever. Owned by the broker, on its loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "broker/host_server.h"
#include "broker/listeners.h"
#include "broker/options.h"
#include "broker/shard_process.h"
#include "broker/zygote_client.h"
#include "loop/loop.h"

namespace skep::broker {

class Supervisor {
 public:
  struct Callbacks {
    std::function<void()> on_all_attached;  // once
    // Shards cannot be had, at the start, or (where they are not replaced) one was lost.
    std::function<void(const std::string& why)> on_fatal;
    std::function<void()> on_stopped;  // after stop(): nothing is left
  };

  // shards: how many. replace: false for commands that need one shard for one task.
  Supervisor(HostServices& services, const Listeners& listeners, ZygoteOptions zygote,
             unsigned shards, bool replace, Callbacks callbacks);
  ~Supervisor();

  Result<> start();
  // Drains all shards, for at most limits::kDrainMs, and ends them.
  void stop();
  void kill_all();
  void reload(uint32_t worker, uint64_t version);
  void update_tls();
  void child_ended(pid_t pid, int status);

  rpc::Shard::Client shard(unsigned index) { return slots_[index]->process->shard(); }
  // Of an attached shard's process, as /proc has it (a shard sees no /proc).
  Result<uint64_t> resident_bytes(unsigned index) const;
  unsigned attached() const;
  // Those that serve, and those that finish what they had.
  void each_attached(
      const std::function<void(unsigned index, uint32_t sequence, rpc::Shard::Client)>& visit);
  // Processes that were asked for so far.
  uint32_t shard_starts() const { return sequence_; }

 private:
  struct Slot {
    explicit Slot(loop::Loop& loop, std::function<void()> on_due) : due(loop, std::move(on_due)) {}
    std::unique_ptr<ShardProcess> process;
    // Those before it, which go when it has attached and they have finished what they had.
    std::vector<std::unique_ptr<ShardProcess>> retiring;
    loop::Timer due;            // the pause before the next process
    bool waiting = false;       // for a zygote
    int64_t pause_ms = 0;       // before the next; 0: none
    unsigned early_deaths = 0;  // before it attached, in a row
  };
  // A process that ended before its zygote told how.
  struct Obituary {
    pid_t pid;
    std::string text;
    std::shared_ptr<ZygoteClient> zygote;  // which must live to tell
  };

  Result<> start_zygote();
  void start_zygote_later();
  void zygote_ready(ZygoteClient* zygote, const std::string& missing);
  void zygote_gone(ZygoteClient* zygote, const std::string& why);
  void want_process(unsigned index);
  void spawn(unsigned index);
  void spawned(uint32_t sequence, pid_t pid, UniqueFd pidfd);
  void spawn_failed(uint32_t sequence, const std::string& why);
  void process_exited(pid_t pid, int status);
  void shard_attached(unsigned index);
  void shard_unwell(uint32_t sequence);
  void shard_drained(uint32_t sequence);
  void shard_ended(uint32_t sequence);
  void retired(Slot& slot, unsigned index, ShardProcess* process);
  void report_end(unsigned index, const ShardProcess& process);
  void publish_obituaries();
  void replace(unsigned index, bool attached, int64_t lived_ms);
  void check_stopped();
  void fatal(const std::string& why);
  Slot* slot_of(uint32_t sequence, unsigned* index);
  ShardProcess* find(uint32_t sequence, unsigned* index);
  void for_each_process(const std::function<void(ShardProcess&)>& visit);

  HostServices& services_;
  const Listeners& listeners_;
  ZygoteOptions zygote_options_;
  bool replace_;
  Callbacks callbacks_;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::shared_ptr<ZygoteClient> zygote_;  // for the next shard; old ones live with their shards
  loop::Timer zygote_due_;                // the pause before the next zygote
  int64_t zygote_pause_ms_ = 0;
  loop::Timer zygote_old_;
  uint32_t sequence_ = 0;
  bool all_attached_ = false;
  bool stopping_ = false, stopped_ = false, failed_ = false;
  loop::Timer drain_limit_;
  std::vector<Obituary> obituaries_;
  std::deque<std::pair<pid_t, int>> exits_;  // told by a zygote before the broker saw the end
  loop::Timer obituaries_due_;
};

}  // namespace skep::broker
