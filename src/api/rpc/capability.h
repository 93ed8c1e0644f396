// What Workers of one shard hand each other. A Capability is something that can be called: an
// entrypoint of a worker, or an object that an event has given away. A Call is one call of it on
// its way; a Message is a value between two isolates: V8's serialised bytes, and the capabilities
// that it holds. Shared by caller and callee, who may each end at any moment; on the loop's thread.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace skep::api {

class Capability;

struct Message {
  struct Free {
    void operator()(uint8_t* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<uint8_t, Free> bytes;
  size_t size = 0;
  std::vector<std::shared_ptr<Capability>> capabilities;
};

enum class Operation : uint8_t { call, get };

// A value; or an error, serialised (values.js) or as a name and a text.
struct Answer {
  bool failed = false;
  Message value;
  std::string error_name;  // where there is no value
  std::string error_message;
};

class Caller {
 public:
  // Once; from a job of another isolate, or the loop.
  virtual void answered() = 0;

 protected:
  ~Caller() = default;
};

class Callee {
 public:
  // Nobody waits for the answer any more. From a job, or the loop.
  virtual void abandoned() = 0;

 protected:
  ~Callee() = default;
};

class Call {
 public:
  std::vector<std::string> path;
  Operation operation = Operation::call;
  Message arguments;                // an array
  unsigned depth = 0;               // of nested workers, of the callee's event
  std::string request_id;           // of the caller's event, for the log
  std::weak_ptr<void> caller_life;  // expires with the caller's event

  // The first answer counts.
  void answer(Answer answer) {
    if (answered_) return;
    answered_ = true;
    callee_ = nullptr;
    answer_ = std::move(answer);
    if (caller_) caller_->answered();
  }
  void fail(std::string name, std::string message) {
    answer({.failed = true,
            .value = {},
            .error_name = std::move(name),
            .error_message = std::move(message)});
  }
  bool answered() const { return answered_; }
  bool abandoned() const { return caller_ == nullptr; }
  Answer take_answer() { return std::move(answer_); }

  void set_caller(Caller* caller) { caller_ = caller; }
  void set_callee(Callee* callee) { callee_ = callee; }
  void abandon() {
    caller_ = nullptr;
    if (Callee* callee = callee_) {
      callee_ = nullptr;
      callee->abandoned();
    }
  }

 private:
  Caller* caller_ = nullptr;
  Callee* callee_ = nullptr;
  Answer answer_;
  bool answered_ = false;
};

class Capability {
 public:
  Capability() = default;
  virtual ~Capability() = default;
  Capability(const Capability&) = delete;
  Capability& operator=(const Capability&) = delete;
  // Loop. The answer comes now or later.
  virtual void call(std::shared_ptr<Call> call) = 0;
  // An entrypoint: each call is an event of its own, and a subrequest of its caller.
  virtual bool is_entrypoint() const { return false; }
};

}  // namespace skep::api
