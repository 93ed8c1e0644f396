#include <gtest/gtest.h>

#include "base/limits_edge.h"
#include "net/headers.h"
#include "shard/body_encoder.h"
#include "shard/encoding_plan.h"

namespace skep::shard {
namespace {

using net::Coding;

TEST(ChooseCoding, ByQualityThenByOurOwnTaste) {
  EXPECT_EQ(choose_coding("gzip, deflate, br, zstd"), Coding::brotli);
  EXPECT_EQ(choose_coding("gzip;q=1.0, br;q=0.9"), Coding::gzip);
  EXPECT_EQ(choose_coding("GZIP"), Coding::gzip);
  EXPECT_EQ(choose_coding("*"), Coding::brotli);
  EXPECT_EQ(choose_coding("br;q=0, *;q=0.1"), Coding::zstd);
  EXPECT_EQ(choose_coding("gzip ; q=0.001"), Coding::gzip);
  for (const char* none : {"", "identity", "gzip;q=0", "gzip;q=0.000", "deflate", "gzip;q=2",
                           "gzip;q=x", "gzip;x=1", ",,;,", "*;q=0", "gzipped"})
    EXPECT_EQ(choose_coding(none), Coding::identity) << none;
}

EncodingPlan plan(std::vector<net::Header> headers, int status = 200, bool encode_body = false,
                  std::optional<uint64_t> bytes = std::nullopt) {
  const net::Header accept[] = {{"Accept-Encoding", "gzip"}};
  net::RequestHead request{.method = "GET", .headers = accept};
  net::ResponseHead response{.status = status, .headers = headers};
  response.encode_body = encode_body;
  return plan_encoding(request, response, bytes, true);
}

TEST(EncodingPlan, TextualTypesOnly) {
  for (const char* type : {"text/html; charset=utf-8", "application/json", "image/svg+xml",
                           "TEXT/EVENT-STREAM", "application/problem+json", "application/wasm"})
    EXPECT_EQ(plan({{"Content-Type", type}}).coding, Coding::gzip) << type;
  for (const char* type : {"image/png", "", "text", "application/octet-stream", "video/mp4"})
    EXPECT_EQ(plan({{"Content-Type", type}}).coding, Coding::identity) << type;
}

TEST(EncodingPlan, WhatMustStayAsItIs) {
  const net::Header type{"Content-Type", "text/plain"};
  for (const net::Header& header : std::vector<net::Header>{{"Content-Encoding", "br"},
                                                            {"cache-control", "a, No-Transform"},
                                                            {"Content-Range", "bytes 0-1/2"},
                                                            {"Repr-Digest", "x"}})
    EXPECT_EQ(plan({type, header}).coding, Coding::identity) << header.name;
  for (const int status : {101, 204, 206, 304})
    EXPECT_EQ(plan({type}, status).coding, Coding::identity) << status;
  EXPECT_EQ(plan({type}, 200, false, limits::kCompressLeastBytes - 1).coding, Coding::identity);
  EXPECT_EQ(plan({type}, 200, false, limits::kCompressLeastBytes).coding, Coding::gzip);
}

TEST(EncodingPlan, AWorkersOwnCodingIsDone) {
  const EncodingPlan made = plan({{"Content-Encoding", "br"}}, 200, true, 5);
  EXPECT_EQ(made.coding, Coding::brotli);
  EXPECT_TRUE(made.demanded);
  EXPECT_EQ(plan({{"Content-Encoding", "br"}}, 200, true, 0).coding, Coding::identity);
  EXPECT_EQ(plan({{"Content-Encoding", "rot13"}}, 200, true, 5).coding, Coding::identity);
}

std::string shown(const net::ResponseHead& head) {
  std::string out;
  for (const net::Header& header : head.headers)
    out.append(header.name).append(": ").append(header.value).append("\n");
  return out;
}

TEST(EncodedHead, SaysWhatCame) {
  const net::Header headers[] = {{"ETag", "\"a\""}, {"Vary", "Origin"}, {"Accept-Ranges", "bytes"}};
  net::ResponseHead head{.headers = headers};
  head.content_length = 7;
  const EncodedHead encoded(head, {Coding::gzip, false, true});
  EXPECT_EQ(shown(encoded.head()),
            "ETag: W/\"a\"\nVary: Origin, Accept-Encoding\nContent-Encoding: gzip\n");
  EXPECT_FALSE(encoded.head().content_length);
  const EncodedHead plain(head, {Coding::identity, false, true});
  EXPECT_EQ(shown(plain.head()),
            "ETag: \"a\"\nVary: Origin, Accept-Encoding\nAccept-Ranges: bytes\n");
  EXPECT_EQ(plain.head().content_length, 7u);
}

std::string decoded(Coding coding, std::string_view input, bool& complete) {
  const auto decoder = net::make_decoder(coding);
  std::string out;
  char buffer[1000];
  for (bool more = true; more || !input.empty();) {
    const net::CodingStep step = decoder->step(input, buffer);
    if (step.failed) return "<failed>";
    input.remove_prefix(step.used);
    out.append(buffer, step.made);
    more = step.more;
  }
  complete = decoder->complete();
  return out;
}

class Encoding : public ::testing::TestWithParam<Coding>, public EncodedSink {
 protected:
  bool write_encoded(std::string_view data) override {
    sent_.append(data);
    return !full_;
  }
  void finish_encoded() override { finished_ = true; }
  void encoder_writable() override { writables_++; }

  std::unique_ptr<loop::Loop> loop_ = std::move(*loop::Loop::create({.entries = 64}));
  CompressionStats stats_;
  std::string sent_;
  bool full_ = false, finished_ = false;
  int writables_ = 0;
};

TEST_P(Encoding, EachWriteCanBeReadAtOnce) {
  BodyEncoder encoder(*loop_, *this, GetParam(), stats_);
  bool complete = true;
  EXPECT_TRUE(encoder.write("data: one\n\n"));
  EXPECT_EQ(decoded(GetParam(), sent_, complete), "data: one\n\n");
  EXPECT_TRUE(encoder.write("data: two\n\n"));
  EXPECT_EQ(decoded(GetParam(), sent_, complete), "data: one\n\ndata: two\n\n");
  EXPECT_FALSE(complete);
  encoder.finish();
  EXPECT_TRUE(finished_);
  EXPECT_EQ(decoded(GetParam(), sent_, complete), "data: one\n\ndata: two\n\n");
  EXPECT_TRUE(complete);
}

TEST_P(Encoding, ALargeWriteIsDoneInTurns) {
  std::string text;
  for (int i = 0; i < 100'000; i++) text += std::to_string(i * 7919) + "\n";
  BodyEncoder encoder(*loop_, *this, GetParam(), stats_);
  EXPECT_FALSE(encoder.write(text));
  encoder.finish();
  EXPECT_FALSE(finished_);
  for (int i = 0; i < 1000 && !finished_; i++) ASSERT_TRUE(loop_->turn(false));
  ASSERT_TRUE(finished_);
  bool complete = false;
  EXPECT_EQ(decoded(GetParam(), sent_, complete), text);
  EXPECT_TRUE(complete);
  EXPECT_EQ(stats_.bytes_in, text.size());
  EXPECT_EQ(stats_.bytes_out, sent_.size());
}

TEST_P(Encoding, AFullSinkHoldsTheWriterUp) {
  BodyEncoder encoder(*loop_, *this, GetParam(), stats_);
  full_ = true;
  EXPECT_FALSE(encoder.write("some text"));
  for (int i = 0; i < 3; i++) ASSERT_TRUE(loop_->turn(false));
  EXPECT_EQ(writables_, 0);
  full_ = false;
  encoder.writable();
  for (int i = 0; i < 3; i++) ASSERT_TRUE(loop_->turn(false));
  EXPECT_EQ(writables_, 1);
  EXPECT_TRUE(encoder.write("and more"));
  encoder.finish();
  EXPECT_TRUE(finished_);
  bool complete = false;
  EXPECT_EQ(decoded(GetParam(), sent_, complete), "some textand more");
}

TEST_P(Encoding, Whole) {
  bool complete = false;
  const std::string text(50'000, 'x');
  EXPECT_EQ(decoded(GetParam(), encode_whole(GetParam(), text, stats_), complete), text);
  EXPECT_TRUE(complete);
}

INSTANTIATE_TEST_SUITE_P(All, Encoding,
                         ::testing::Values(Coding::gzip, Coding::brotli, Coding::zstd));

}  // namespace
}  // namespace skep::shard
