// The shard's end of the signing socket, against a broker that answers late, wrongly or not at all.
#include "shard/broker_signer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace skep::shard {
namespace {

class BrokerSignerTest : public testing::Test {
 protected:
  void SetUp() override {
    loop_ = std::move(*loop::Loop::create({.entries = 64, .recv_buffer_count = 8}));
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    broker_.reset(ends[0]);
    signer_.emplace(*loop_, [this] { lost_++; });
    signer_->open(UniqueFd(ends[1]));
  }

  void sign(const std::string& input) {
    signer_->sign(7, 0x0403, {reinterpret_cast<const uint8_t*>(input.data()), input.size()},
                  [this](Result<std::string> result) {
                    told_.push_back(result ? *result : "error: " + result.error().message);
                  });
  }
  void answer(rpc::SignRefusal refusal, const std::string& signature) {
    const rpc::SignReply head{refusal, static_cast<uint16_t>(signature.size())};
    const std::string bytes = std::string(rpc::bytes_of_head(head)) + signature;
    ASSERT_EQ(write(broker_.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void turns(int count = 8) {
    for (int i = 0; i < count; i++) ASSERT_TRUE(loop_->turn(false));
  }

  std::unique_ptr<loop::Loop> loop_;
  UniqueFd broker_;
  std::optional<BrokerSigner> signer_;
  std::vector<std::string> told_;
  int lost_ = 0;
};

TEST_F(BrokerSignerTest, requests_of_one_turn_leave_together_and_answers_come_in_their_order) {
  sign("first");
  sign("second");
  turns();
  char bytes[100];
  EXPECT_EQ(read(broker_.get(), bytes, sizeof bytes),
            static_cast<ssize_t>(2 * sizeof(rpc::SignRequest) + 11));
  EXPECT_TRUE(told_.empty());
  answer(rpc::SignRefusal::none, "one");
  answer(rpc::SignRefusal::over_budget, "");
  turns();
  EXPECT_EQ(told_, (std::vector<std::string>{"one", "error: too many signatures for one shard"}));
  EXPECT_EQ(lost_, 0);
}

TEST_F(BrokerSignerTest, a_broker_that_goes_fails_what_waits) {
  sign("first");
  turns();
  broker_.reset();
  turns();
  EXPECT_EQ(told_, (std::vector<std::string>{"error: the broker does not sign any more"}));
  EXPECT_EQ(lost_, 1);
  sign("later");
  EXPECT_EQ(told_.size(), 1u) << "never from within the call";
  turns();
  EXPECT_EQ(told_.size(), 2u);
}

TEST_F(BrokerSignerTest, answers_that_nobody_asked_for_end_it) {
  answer(rpc::SignRefusal::none, "unasked");
  turns();
  EXPECT_EQ(lost_, 1);
}

TEST_F(BrokerSignerTest, a_signature_of_no_bytes_is_none) {
  sign("first");
  turns();
  answer(rpc::SignRefusal::none, "");
  turns();
  EXPECT_EQ(told_, (std::vector<std::string>{"error: no signature"}));
}

}  // namespace
}  // namespace skep::shard
