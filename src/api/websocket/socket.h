// A WebSocket with a network behind it, as an event has it: the messages that wait for JavaScript
// (websocket.js), those that JavaScript sends, the bounds of both. The socket of an event's own
// client keeps the event alive until it is closed; one to an origin does not. A resource of its
// event; on the loop's thread.
#pragma once

#include <v8.h>

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/event/event.h"
#include "api/event/resource.h"
#include "net/websocket/session.h"

namespace skep::api {

class WebSocketResource final : public Resource,
                                public ConnectionTaker,
                                private net::websocket::SessionEvents {
 public:
  // object: JavaScript's WebSocket, which hears of what happens.
  WebSocketResource(Event& event, v8::Local<v8::Object> object,
                    const net::websocket::SessionOptions& options);
  ~WebSocketResource() override;

  // --- in a job ---
  // JavaScript wants the messages. half_open: it answers the peer's Close frame by itself.
  void accept(bool half_open);
  // False: more is unsent than may be; the socket is cut.
  bool send(bool text, std::string_view data);
  void close(uint16_t code, std::string_view reason);

  // --- loop ---
  // ConnectionTaker: the client's connection, or null where the client is gone.
  void take_connection(std::unique_ptr<net::Upgraded> upgraded) override;
  // The same where the connection is one to an origin (in a job too).
  void start(std::unique_ptr<net::Upgraded> upgraded);
  // The runtime wants it closed.
  void shut(uint16_t code, std::string_view reason);

  // Resource
  void wake(v8::Isolate* isolate, v8::Local<v8::Context> context) override;

 private:
  // As in websocket.js.
  enum class What : uint8_t { text, binary, close, lost };
  struct Item {
    What kind;
    uint16_t code = 0;
    std::string data;
  };

  // net::websocket::SessionEvents (loop)
  void on_message(bool text, std::string data) override;
  void on_close(uint16_t code, std::string_view reason) override;
  void on_lost(net::websocket::Failure failed) override;
  void on_settled() override;
  void on_sent() override;
  void on_over() override;

  void push(What kind, uint16_t code, std::string data);
  void tell(v8::Isolate* isolate, v8::Local<v8::Context> context, Item item);
  void count_unsent();
  void count_held();
  bool full() const;
  void cut(std::string_view why);
  void on_deferred();
  // True: it is through and has been dropped.
  bool finish_if_over();

  const net::websocket::SessionOptions options_;
  v8::Global<v8::Object> object_;
  std::unique_ptr<net::websocket::Session> session_;
  std::unique_ptr<std::deque<Item>> queue_;  // received; null while empty: a deque is half a KB
  std::vector<Item> early_;                  // sent before there was a connection
  size_t queue_bytes_ = 0;
  size_t unsent_bytes_ = 0;  // in the runtime's sum
  size_t held_bytes_ = 0;    // likewise: received and not told, or not complete
  unsigned told_ = 0;        // messages in this job
  bool serves_client_ = false;
  bool holding_ = false;  // counted as pending with the event
  bool accepted_ = false;
  bool half_open_ = false;
  bool over_ = false;
  loop::Deferred deferred_;
};

}  // namespace skep::api
