// connect() of cloudflare:sockets over connections in memory: what is sent, what comes, how it
// ends, and TLS that begins late.
#include <gtest/gtest.h>

#include <utility>

#include "api/testing/harness.h"
#include "base/limits_outbound.h"
#include "net/client/testing.h"

namespace skep::api::testing {
namespace {

class Sockets : public ::testing::Test {
 protected:
  Sockets() { worker_.tcp = &connector_; }

  void load(const std::string& body, const std::string& top = "") {
    ASSERT_EQ(worker_.load("import { connect } from 'cloudflare:sockets';\n"
                           "const text = new TextDecoder(), bytes = new TextEncoder();\n" +
                           top + "export default { async fetch(request, env, ctx) { try {" + body +
                           "} catch (e) { return new Response(`${e.name}: ${e.message}`); } } };"),
              "");
  }
  // Runs a request; `step` is the peer, called at every turn.
  std::string get(const std::function<void()>& step) {
    Exchange exchange;
    if (worker_.start(exchange) == nullptr) return exchange.body;
    EXPECT_TRUE(worker_.run_until([&] {
      step();
      for (auto& wire : connector_.wires) wire->report_sent();
      return exchange.ended;
    }));
    return exchange.failed ? "failed: " + exchange.failed->exception.message : exchange.body;
  }
  // Accepts what is asked for, and still wanted.
  void accept() {
    for (; accepted_ < connector_.attempts.size(); ++accepted_) {
      if (!connector_.attempts[accepted_]->cancelled) connector_.accept(accepted_);
    }
  }
  // Once connection `index` has brought `wanted`, `reply` comes.
  void answer(size_t index, std::string_view wanted, std::string_view reply) {
    accept();
    if (index >= connector_.wires.size() || connector_.wires[index]->sent != wanted) return;
    connector_.wires[index]->sent.clear();
    connector_.wires[index]->deliver(reply);
  }
  net::testing::Wire* wire(size_t index) {
    return index < connector_.wires.size() ? connector_.wires[index].get() : nullptr;
  }

  net::testing::MemoryConnector connector_;
  Worker worker_;
  size_t accepted_ = 0;
  size_t refused_ = 0;
};

TEST_F(Sockets, EchoOfALine) {
  load(
      "const s = connect('db.test:5432');"
      "const w = s.writable.getWriter(), r = s.readable.getReader();"
      "await w.write(bytes.encode('hello '));"
      "await w.write(bytes.encode('you').buffer);"
      "const { value, done } = await r.read();"
      "await s.close();"
      "return Response.json([text.decode(value), done, s.upgraded, s.secureTransport,"
      "  (await r.read()).done, await s.closed === undefined]);");
  EXPECT_EQ(get([&] { answer(0, "hello you", "back"); }),
            R"(["back",false,false,"off",true,true])");
  ASSERT_EQ(connector_.attempts.size(), 1u);
  EXPECT_EQ(connector_.attempts[0]->target.host, "db.test");
  EXPECT_EQ(connector_.attempts[0]->target.port, 5432);
  EXPECT_FALSE(connector_.attempts[0]->target.tls);
  EXPECT_TRUE(connector_.wires[0]->closed);
  EXPECT_TRUE(connector_.wires[0]->shut_down);
}

TEST_F(Sockets, TheAddressConnectedTo) {
  load(
      "const a = await connect({ hostname: '::1', port: 7 }).opened;"
      "return new Response(a.remoteAddress);");
  EXPECT_EQ(get([&] { accept(); }), "");
  EXPECT_EQ(connector_.attempts[0]->target.host, "::1");
}

TEST_F(Sockets, RefusedAndForbidden) {
  load(
      "const out = [];"
      "for (const port of [5432, 443]) {"
      "  const s = connect('db.test:' + port);"
      "  for (const p of [s.opened, s.closed, s.readable.getReader().read(),"
      "                   s.writable.getWriter().write(new Uint8Array(1))])"
      "    out.push(await p.then(() => 'fine', (e) => e.message + '|' + e.cause));"
      "}"
      "return new Response([...new Set(out)].join('\\n'));");
  EXPECT_EQ(get([&] {
              for (; refused_ < connector_.attempts.size(); ++refused_) {
                connector_.refuse(refused_, "not allowed", EACCES);
              }
            }),
            "proxy request failed, cannot connect to the specified address|not allowed: Permission "
            "denied\n"
            "proxy request failed, cannot connect to the specified address. It looks like you "
            "might be trying to connect to a HTTP-based service — consider using fetch instead|not "
            "allowed: Permission denied");
}

TEST_F(Sockets, ThePeerEndsOrBreaksOff) {
  load(
      "const s = connect('a:1'), out = [];"
      "for await (const chunk of s.readable) out.push(text.decode(chunk));"
      "await s.closed;"
      "const t = connect('b:1'); await t.opened; console.log('open');"
      "out.push(await t.readable.getReader().read().catch((e) => e.message));"
      "out.push(await t.closed.catch((e) => e.message));"
      "return new Response(out.join('|'));");
  EXPECT_EQ(get([&] {
              const size_t before = connector_.wires.size();
              accept();
              if (before == 0 && wire(0)) {
                wire(0)->deliver("last words");
                wire(0)->end();
              }
              if (std::exchange(worker_.console, {}).size() == 1) wire(1)->fail(ECONNRESET);
            }),
            "last words|Network connection lost.|Network connection lost.");
}

TEST_F(Sockets, HalfOpen) {
  load(
      "const s = connect('a:1', { allowHalfOpen: true });"
      "const got = await new Response(s.readable).text();"
      "const w = s.writable.getWriter();"
      "await w.write(bytes.encode('after ' + got)); await w.close(); await s.closed;"
      "return new Response('closed');");
  EXPECT_EQ(get([&] {
              const size_t before = connector_.wires.size();
              accept();
              if (before == 0 && wire(0)) {
                wire(0)->deliver("end");
                wire(0)->end();
              }
            }),
            "closed");
  EXPECT_EQ(wire(0)->sent, "after end");
  EXPECT_TRUE(wire(0)->shut_down);
}

TEST_F(Sockets, AbortedWrites) {
  load(
      "const s = connect('a:1'); await s.opened;"
      "await s.writable.abort(new Error('enough')); await s.closed;"
      "return new Response('closed');");
  EXPECT_EQ(get([&] { accept(); }), "closed");
  EXPECT_TRUE(wire(0)->closed);
}

TEST_F(Sockets, TlsThatBeginsLate) {
  load(
      "const plain = connect('db.test:5432', { secureTransport: 'starttls' });"
      "const w = plain.writable.getWriter(), r = plain.readable.getReader();"
      "await w.write(bytes.encode('SSL?'));"
      "const yes = text.decode((await r.read()).value);"
      "w.releaseLock(); r.releaseLock();"
      "const s = plain.startTls({ expectedServerHostname: 'other.test' });"
      "await s.opened; await plain.closed;"
      "const w2 = s.writable.getWriter(), r2 = s.readable.getReader();"
      "await w2.write(bytes.encode('secret'));"
      "const thrown = (f) => { try { f(); return 'nothing'; } catch (e) { return e.message; } };"
      "return Response.json([yes, text.decode((await r2.read()).value), plain.upgraded,"
      "  s.secureTransport, thrown(() => plain.startTls()), thrown(() => s.startTls()),"
      "  thrown(() => connect('a:1').startTls())]);");
  EXPECT_EQ(
      get([&] {
        answer(0, "SSL?", "S");
        answer(1, "secret", "safe");
      }),
      R"(["S","safe",true,"on","The socket is closed, or was upgraded already.",)"
      R"("Cannot startTls on a TLS socket.","The `secureTransport` socket option must be set )"
      R"(to 'starttls' for startTls to be used."])");
  EXPECT_EQ(connector_.attempts[1]->target.host, "other.test");
  EXPECT_TRUE(connector_.attempts[1]->target.tls);
}

// Bytes that came in the clear must never be taken for what TLS protects (CVE-2021-23222).
TEST_F(Sockets, BytesBeforeTlsAreRefused) {
  load(
      "const plain = connect('db.test:5432', { secureTransport: 'starttls' });"
      "const w = plain.writable.getWriter();"
      "await w.write(bytes.encode('SSL?'));"
      "await new Promise((go) => setTimeout(go, 20));"
      "const s = plain.startTls();"
      "return new Response(await s.opened.catch((e) => e.message) + '|' +"
      "  await s.readable.getReader().read().catch((e) => e.message));");
  EXPECT_EQ(get([&] { answer(0, "SSL?", "Sinjected"); }),
            "The peer sent bytes before TLS began.|The peer sent bytes before TLS began.");
  EXPECT_TRUE(wire(0)->closed);
}

TEST_F(Sockets, ReadingGoesAtTheWorkersPace) {
  load(
      "const s = connect('a:1'); await s.opened;"
      "await new Promise((go) => setTimeout(go, 30));"
      "let n = 0; for await (const chunk of s.readable) n += chunk.length;"
      "return new Response(n);");
  size_t most = 0, given = 0;
  EXPECT_EQ(get([&] {
              accept();
              if (!wire(0)) return;
              if (wire(0)->receiving && given < 100) {
                wire(0)->deliver(std::string(16'384, 'x'));
                ++given;
                most = std::max(most, wire(0)->pauses);
              } else if (given == 100) {
                wire(0)->end();
                ++given;
              }
            }),
            "1638400");
  EXPECT_GT(most, 0u);
}

TEST_F(Sockets, WritingWaitsForThePeer) {
  load(
      "const s = connect('a:1'), w = s.writable.getWriter();"
      "let written = false; const first = w.write(new Uint8Array(10)).then(() => written = true);"
      "await s.opened; await new Promise((go) => setTimeout(go, 20));"
      "const early = written; s.readable.getReader().read();"
      "await first; return new Response(`${early} ${written}`);");
  auto slow = std::make_shared<net::testing::Wire>();
  slow->stalled = true;
  loop::Timer later(worker_.loop(), [&] { slow->unstall(); });
  EXPECT_EQ(get([&] {
              if (connector_.attempts.empty() || !connector_.wires.empty()) return;
              connector_.wires.push_back(slow);
              const auto done = connector_.attempts[0]->done;
              later.set_ms(100);
              done(net::ConnectedStream{
                  .stream = std::make_unique<net::testing::MemoryStream>(slow), .peer = {}});
            }),
            "false true");
}

TEST_F(Sockets, WhatABadWriteSays) {
  load(
      "const s = connect('a:1'), w = s.writable.getWriter(); await s.opened;"
      "return new Response(await w.write('text').catch((e) => `caught ${e.name}: ${e.message}`));");
  EXPECT_EQ(get([&] { accept(); }),
            "caught TypeError: This WritableStream only supports writing byte types.");
}

TEST_F(Sockets, HowManyAtOnce) {
  load(
      "const all = []; try { for (;;) all.push(connect('a:1')); }"
      "catch (e) { return new Response(all.length + ' ' + e.message); }");
  EXPECT_EQ(get([&] { accept(); }),
            std::to_string(limits::kSocketsPerEvent) + " Too many sockets are open at once.");
}

TEST_F(Sockets, TheEventsEndClosesThem) {
  load("const s = connect('a:1'); await s.opened; globalThis.kept = s; return new Response('x');");
  EXPECT_EQ(get([&] { accept(); }), "x");
  EXPECT_TRUE(wire(0)->closed);
}

TEST_F(Sockets, NotFromAnotherEvent) {
  load(
      "if (globalThis.kept) {"
      "  const w = globalThis.kept.writable.getWriter();"
      "  return new Response(await w.write(new Uint8Array(1)).catch((e) => e.message));"
      "}"
      "globalThis.kept = connect('a:1'); await globalThis.kept.opened; return new Response('x');");
  EXPECT_EQ(get([&] { accept(); }), "x");
  EXPECT_EQ(get([&] { accept(); }),
            "Couldn't complete operation because the execution context has ended.");
}

TEST_F(Sockets, WithoutNetwork) {
  worker_.tcp = nullptr;
  load("connect('a:1')");
  EXPECT_EQ(get([] {}), "Error: This worker is not permitted to access the internet.");
}

}  // namespace
}  // namespace skep::api::testing
