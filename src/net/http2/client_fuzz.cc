// A connection to an origin that sends arbitrary bytes. Byte 0 chooses how they are cut, byte 1 how
// the owners of the exchanges behave. Every exchange that is kept must hear its end, once.
#include <cstdint>
#include <vector>

#include "base/assert.h"
#include "net/client/testing.h"
#include "net/http2/client_session.h"

namespace skep::net {
namespace {

using testing::MemoryStream;
using testing::Wire;

// Pulls what comes, and may drop its exchange where the input says so.
class Owner final : public ClientEvents {
 public:
  explicit Owner(uint8_t manners) : manners_(manners) {}
  void on_head(const ClientResponseHead& head) override {
    SKEP_ASSERT(!over && head.status >= 200 && head.status <= 599);
    if ((manners_ & 1) != 0) return exchange.reset();
    exchange->pull_body();
  }
  void on_body(std::span<const char> data) override {
    SKEP_ASSERT(!over && !data.empty());
    if ((manners_ & 2) != 0) return exchange.reset();
    exchange->pull_body();
  }
  void on_body_end() override { end(); }
  void on_writable() override { SKEP_ASSERT(!over); }
  void on_failed(const ClientError& error) override {
    SKEP_ASSERT(!error.message.empty());
    end();
  }

  std::unique_ptr<ClientExchange> exchange;
  bool over = false;

 private:
  void end() {
    SKEP_ASSERT(!over);
    over = true;
  }
  const uint8_t manners_;
};

void serve(loop::Loop& loop, std::string_view bytes, size_t piece_bytes, uint8_t manners) {
  auto wire = std::make_shared<Wire>();
  bool broken = false;
  auto session =
      http2::make_client_session(loop, std::make_unique<MemoryStream>(wire), [&](bool is_broken) {
        SKEP_ASSERT(!broken);
        broken = is_broken;
      });
  std::vector<std::unique_ptr<Owner>> owners;
  for (unsigned i = 0; i < 4; i++) {
    auto& owner = owners.emplace_back(std::make_unique<Owner>(i == 0 ? manners : manners >> 2));
    ClientRequest request = testing::get();
    request.has_body = i > 1;
    request.body_complete = i != 2;
    request.body = i > 1 ? "body" : "";
    owner->exchange = session->start(request, *owner);
  }
  testing::run_turns(loop, *wire);
  for (size_t at = 0; at < bytes.size() && !wire->closed; at += piece_bytes) {
    // On the heap and of exact size, so that a read beyond it is seen.
    const std::string_view cut = bytes.substr(at, piece_bytes);
    const std::vector<char> piece(cut.begin(), cut.end());
    wire->deliver({piece.data(), piece.size()});
    testing::run_turns(loop, *wire);
  }
  if (!wire->closed) wire->end();
  testing::run_turns(loop, *wire);
  // Whatever was told, what is left hears of the end when it asks.
  for (const auto& owner : owners) {
    if (owner->exchange) owner->exchange->pull_body();
  }
  testing::run_turns(loop, *wire);
  for (const auto& owner : owners) SKEP_ASSERT(owner->over || !owner->exchange);
  SKEP_ASSERT(broken);
}

}  // namespace
}  // namespace skep::net

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<skep::loop::Loop> loop = skep::net::testing::make_loop();
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  skep::net::serve(*loop, bytes, data[0] == 0 ? bytes.size() + 1 : data[0], data[1]);
  return 0;
}
