#include "net/coding/coding.h"

#include <gtest/gtest.h>

#include <string>

namespace skep::net {
namespace {

constexpr Coding kCodings[] = {Coding::gzip, Coding::brotli, Coding::zstd};

std::string encode(Coding coding, std::string_view text, size_t piece_bytes, size_t room_bytes,
                   Flush between = Flush::none) {
  auto encoder = make_encoder(coding);
  std::string out, room(room_bytes, '\0');
  size_t at = 0;
  while (true) {
    const std::string_view piece = text.substr(at, piece_bytes);
    const Flush flush = at + piece.size() == text.size() ? Flush::finish : between;
    const CodingStep step = encoder->step(piece, flush, room);
    at += step.used;
    out.append(room, 0, step.made);
    if (flush == Flush::finish && at == text.size() && !step.more) return out;
  }
}

struct Decoded {
  std::string text;
  bool failed = false;
  bool complete = false;
};

Decoded decode(Coding coding, std::string_view coded, size_t piece_bytes, size_t room_bytes) {
  auto decoder = make_decoder(coding);
  Decoded decoded;
  std::string room(room_bytes, '\0');
  size_t at = 0;
  while (true) {
    const CodingStep step = decoder->step(coded.substr(at, piece_bytes), room);
    EXPECT_LE(step.made, room_bytes);
    at += step.used;
    decoded.text.append(room, 0, step.made);
    decoded.failed = step.failed;
    if (step.failed || (at == coded.size() && !step.more)) break;
  }
  decoded.complete = decoder->complete();
  return decoded;
}

std::string some_text() {
  std::string text;
  for (int i = 0; i < 5000; i++) text += "line " + std::to_string(i * 7919 % 1009) + "\n";
  return text;
}

TEST(Coding, Names) {
  EXPECT_EQ(coding_named("GZip"), Coding::gzip);
  EXPECT_EQ(coding_named("x-gzip"), Coding::gzip);
  EXPECT_EQ(coding_named(" br "), Coding::brotli);
  EXPECT_EQ(coding_named("zstd"), Coding::zstd);
  EXPECT_EQ(coding_named("identity"), Coding::identity);
  EXPECT_EQ(coding_named(""), Coding::identity);
  EXPECT_FALSE(coding_named("deflate").has_value());
  EXPECT_FALSE(coding_named("gzip, br").has_value());
  for (const Coding coding : kCodings) EXPECT_EQ(coding_named(coding_name(coding)), coding);
}

TEST(Coding, ThereAndBackInAnyPieces) {
  const std::string text = some_text();
  for (const Coding coding : kCodings) {
    for (const size_t piece_bytes : {1u, 97u, 1000000u}) {
      for (const size_t room_bytes : {1u, 50u, 100000u}) {
        const std::string coded = encode(coding, text, piece_bytes, room_bytes);
        EXPECT_LT(coded.size(), text.size() / 2);
        const Decoded decoded = decode(coding, coded, piece_bytes, room_bytes);
        EXPECT_EQ(decoded.text, text) << coding_name(coding) << piece_bytes << "/" << room_bytes;
        EXPECT_FALSE(decoded.failed);
        EXPECT_TRUE(decoded.complete);
      }
    }
  }
}

TEST(Coding, EmptyBodies) {
  for (const Coding coding : kCodings) {
    EXPECT_EQ(decode(coding, encode(coding, "", 10, 100), 10, 100).text, "");
    EXPECT_TRUE(decode(coding, "", 10, 100).complete) << "before the first byte";
  }
}

TEST(Coding, FlushedBlocksCanBeDecodedAtOnce) {
  for (const Coding coding : kCodings) {
    auto encoder = make_encoder(coding);
    auto decoder = make_decoder(coding);
    std::string room(1000, '\0'), plain(1000, '\0');
    const CodingStep made = encoder->step("hello", Flush::block, room);
    EXPECT_EQ(made.used, 5u);
    EXPECT_FALSE(made.more);
    const CodingStep read = decoder->step({room.data(), made.made}, plain);
    EXPECT_EQ(plain.substr(0, read.made), "hello") << coding_name(coding);
    EXPECT_FALSE(decoder->complete());
  }
}

TEST(Coding, CutShort) {
  const std::string text = some_text();
  for (const Coding coding : kCodings) {
    const std::string coded = encode(coding, text, 1000000, 1000000);
    const Decoded decoded = decode(coding, coded.substr(0, coded.size() - 3), 1000, 1000);
    EXPECT_FALSE(decoded.failed) << coding_name(coding);
    EXPECT_FALSE(decoded.complete) << coding_name(coding);
  }
}

TEST(Coding, Nonsense) {
  for (const Coding coding : kCodings) {
    EXPECT_TRUE(decode(coding, "<!doctype html><p>not coded", 1000, 1000).failed)
        << coding_name(coding);
  }
}

TEST(Coding, GzipMembersAndWhatFollowsThem) {
  const std::string one = encode(Coding::gzip, "one", 10, 100);
  const std::string two = encode(Coding::gzip, "two", 10, 100);
  for (const size_t piece_bytes : {1u, 1000u}) {
    EXPECT_EQ(decode(Coding::gzip, one + two, piece_bytes, 100).text, "onetwo");
    const Decoded with_rest = decode(Coding::gzip, one + "\n\x1f\x8b rest", piece_bytes, 100);
    EXPECT_EQ(with_rest.text, "one");
    EXPECT_TRUE(with_rest.complete);
    EXPECT_FALSE(with_rest.failed);
  }
}

TEST(Coding, ZstdFramesAndNoOthers) {
  const std::string one = encode(Coding::zstd, "one", 10, 100);
  const std::string skipped("\x51\x2A\x4D\x18\x02\0\0\0xx", 10);
  const std::string old("\x25\xB5\x2F\xFD\x04\xCD\x3B\x07", 8);
  for (const size_t piece_bytes : {1u, 1000u}) {
    EXPECT_EQ(decode(Coding::zstd, one + skipped + one, piece_bytes, 100).text, "oneone");
    EXPECT_TRUE(decode(Coding::zstd, old, piece_bytes, 100).failed);
    EXPECT_TRUE(decode(Coding::zstd, one + old, piece_bytes, 100).failed);
  }
}

// A bomb gives no more than was asked for, whatever it holds.
TEST(Coding, OutputIsBounded) {
  const std::string zeros(8 << 20, '\0');
  for (const Coding coding : kCodings) {
    const std::string bomb = encode(coding, zeros, 1 << 20, 1 << 20);
    EXPECT_LT(bomb.size(), 20000u);
    auto decoder = make_decoder(coding);
    std::string room(1000, '\0');
    size_t at = 0;
    CodingStep step;
    for (int i = 0; i < 100; i++) {
      step = decoder->step(std::string_view(bomb).substr(at), room);
      EXPECT_LE(step.made, room.size());
      at += step.used;
    }
    EXPECT_TRUE(step.more) << coding_name(coding);
  }
}

}  // namespace
}  // namespace skep::net
