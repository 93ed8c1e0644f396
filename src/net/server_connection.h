// What the server knows of each of its connections, whatever HTTP version they speak. Reference
// counted by hand: a connection outlives the callback that closes it. One loop.
#pragma once

#include <cstdint>

namespace skep::net {

class ServerConnection {
 public:
  virtual void start() = 0;
  // Answers 503 and closes: the server is full.
  virtual void start_refused() = 0;
  // Closes if no request is on its way, else lets those be the last.
  virtual void drain() = 0;
  // Ends everything now; open exchanges hear on_closed(false).
  virtual void close() = 0;

  void add_reference() { references_++; }
  void drop_reference() {
#ifndef __clang_analyzer__  // it takes each reference for the last
    if (--references_ == 0) delete this;
#endif
  }

  ServerConnection* next = nullptr;
  ServerConnection* previous = nullptr;
  bool over_limit = false;

 protected:
  virtual ~ServerConnection() = default;

 private:
  uint32_t references_ = 1;
};

}  // namespace skep::net
