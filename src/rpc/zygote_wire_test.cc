#include "rpc/zygote_wire.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace skep::rpc::zygote {
namespace {

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    broker.reset(fds[0]);
    zygote.reset(fds[1]);
  }
  UniqueFd broker, zygote;
};

ino_t inode_of(int fd) {
  struct stat s = {};
  EXPECT_EQ(fstat(fd, &s), 0);
  return s.st_ino;
}

UniqueFd temporary_file() {
  return UniqueFd(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

TEST(ZygoteWire, SpawnRequestCarriesItsDescriptor) {
  Pair pair;
  const UniqueFd file = temporary_file();
  ASSERT_TRUE(send(pair.broker.get(), SpawnRequest{3, 17}, file.get()));
  auto received = receive_request(pair.zygote.get());
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->message.index, 3u);
  EXPECT_EQ((*received)->message.sequence, 17u);
  EXPECT_EQ(inode_of((*received)->fd.get()), inode_of(file.get()));
  EXPECT_NE(fcntl((*received)->fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(ZygoteWire, NoticesComeAsTheyWereSent) {
  Pair pair;
  const UniqueFd file = temporary_file();
  ASSERT_TRUE(send(pair.zygote.get(), Notice{NoticeKind::ready, 0, 0, 0, "no cgroup"}));
  ASSERT_TRUE(send(pair.zygote.get(), Notice{NoticeKind::spawned, 5, 1234, 0, ""}, file.get()));
  ASSERT_TRUE(send(pair.zygote.get(), Notice{NoticeKind::exited, 0, 1234, 9, ""}));

  auto ready = receive_notice(pair.broker.get());
  ASSERT_TRUE(ready && *ready);
  EXPECT_EQ((*ready)->message.kind, NoticeKind::ready);
  EXPECT_EQ((*ready)->message.text, "no cgroup");
  auto spawned = receive_notice(pair.broker.get());
  ASSERT_TRUE(spawned && *spawned);
  EXPECT_EQ((*spawned)->message.sequence, 5u);
  EXPECT_EQ((*spawned)->message.pid, 1234);
  EXPECT_EQ(inode_of((*spawned)->fd.get()), inode_of(file.get()));
  auto exited = receive_notice(pair.broker.get());
  ASSERT_TRUE(exited && *exited);
  EXPECT_EQ((*exited)->message.kind, NoticeKind::exited);
  EXPECT_EQ((*exited)->message.status, 9);
}

TEST(ZygoteWire, LongTextIsCut) {
  Pair pair;
  ASSERT_TRUE(send(pair.zygote.get(),
                   Notice{NoticeKind::failed, 1, 0, 1, std::string(kNoticeTextBytes + 50, 'x')}));
  auto received = receive_notice(pair.broker.get());
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->message.text, std::string(kNoticeTextBytes, 'x'));
}

TEST(ZygoteWire, EndOfTheOtherSideIsNoError) {
  Pair pair;
  pair.zygote.reset();
  auto notice = receive_notice(pair.broker.get());
  ASSERT_TRUE(notice);
  EXPECT_FALSE(*notice);
}

TEST(ZygoteWire, MessagesOfTheWrongShapeAreErrors) {
  Pair pair;
  ASSERT_EQ(write(pair.broker.get(), "hello", 5), 5);
  EXPECT_FALSE(receive_request(pair.zygote.get()));
  const std::string too_long(8192, 'x');
  ASSERT_EQ(write(pair.broker.get(), too_long.data(), too_long.size()), 8192);
  EXPECT_FALSE(receive_request(pair.zygote.get()));
  // A spawn request without the socket that it is about.
  ASSERT_TRUE(send(pair.broker.get(), SpawnRequest{0, 1}, -1));
  EXPECT_FALSE(receive_request(pair.zygote.get()));
  ASSERT_TRUE(send(pair.zygote.get(), Notice{NoticeKind::spawned, 1, 5, 0, ""}));
  EXPECT_FALSE(receive_notice(pair.broker.get()));
}

TEST(ZygoteArguments, SurviveTheCommandLine) {
  const Arguments before = {7, true, 998, 997, {"--max-lazy", "--stress-compaction"}};
  auto text = arguments_to_text(before);
  EXPECT_EQ(text.front(), kCommand);
  text.erase(text.begin());
  auto after = arguments_from_text(text);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->socket, 7);
  EXPECT_TRUE(after->reduced_sandbox);
  EXPECT_EQ(after->uid, 998u);
  EXPECT_EQ(after->gid, 997u);
  EXPECT_EQ(after->v8_flags, before.v8_flags);
}

TEST(ZygoteArguments, RefuseWhatTheyDoNotKnow) {
  EXPECT_FALSE(arguments_from_text({}));
  EXPECT_FALSE(arguments_from_text({"--socket=x"}));
  EXPECT_FALSE(arguments_from_text({"--socket=3", "--sandbox=none"}));
}

}  // namespace
}  // namespace skep::rpc::zygote
