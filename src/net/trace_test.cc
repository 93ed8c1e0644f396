#include "net/trace.h"

#include <gtest/gtest.h>

namespace skep::net {
namespace {

constexpr std::string_view kValid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(Trace, ValidOnes) {
  EXPECT_EQ(valid_traceparent(kValid), kValid);
  EXPECT_EQ(trace_id(kValid), "4bf92f3577b34da6a3ce929d0e0e4736");
  const std::string later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-else";
  EXPECT_EQ(valid_traceparent(later), later.substr(0, 55));
}

TEST(Trace, OthersAreNot) {
  for (const char* text : {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
                           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
                           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
                           "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
                           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"})
    EXPECT_EQ(valid_traceparent(text), "") << text;
}

TEST(Trace, MadeOnesAreValid) {
  const std::string made = make_traceparent(0, 0, 0);
  EXPECT_EQ(valid_traceparent(made), made);
  const std::string next = with_parent(kValid, 0x1234567);
  EXPECT_EQ(next, "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000001234567-01");
}

}  // namespace
}  // namespace skep::net
