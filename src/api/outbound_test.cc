// fetch() from JavaScript to an origin in memory and back: what is sent, what comes, what breaks.
#include <gtest/gtest.h>

#include "api/testing/harness.h"
#include "net/client/pool.h"
#include "net/client/testing.h"
#include "net/coding/coding.h"

namespace skep::api::testing {
namespace {

// Accepts every connection and answers each request by `answer`, in one piece.
class Origin {
 public:
  explicit Origin(Worker& worker) : pool(worker.loop(), connector) { worker.client = &pool; }

  // An answer that begins with "!" closes the connection after it.
  std::function<std::string(const std::string& request)> answer = [](const std::string&) {
    return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  };

  void step() {
    while (accepted_ < connector.attempts.size()) {
      if (!connector.attempts[accepted_]->cancelled) connector.accept(accepted_);
      accepted_++;
    }
    for (auto& wire : connector.wires) {
      wire->report_sent();
      if (wire->closed || !is_whole(wire->sent)) continue;
      requests.push_back(std::exchange(wire->sent, std::string()));
      std::string bytes = answer(requests.back());
      const bool close = bytes.starts_with("!");
      wire->deliver(close ? bytes.substr(1) : bytes);
      if (close && !wire->closed) wire->end();
    }
  }

  net::testing::MemoryConnector connector;
  net::Pool pool;
  std::vector<std::string> requests;

 private:
  static bool is_whole(const std::string& request) {
    const size_t end = request.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    if (request.find("Transfer-Encoding: chunked") < end) return request.ends_with("0\r\n\r\n");
    const size_t at = request.find("Content-Length: ");
    return at > end || request.size() - end - 4 >= std::stoul(request.substr(at + 16));
  }
  size_t accepted_ = 0;
};

class Outbound : public ::testing::Test {
 protected:
  void load(const std::string& body) {
    ASSERT_EQ(worker_.load("export default { async fetch(request, env, ctx) {" + body + "} };"),
              "");
  }
  void send(Exchange& exchange) {
    Event* event = worker_.start(exchange);
    if (event == nullptr) return;
    ASSERT_TRUE(worker_.run_until([&] {
      origin_.step();
      return exchange.ended;
    }));
  }
  std::string get(const std::string& body) {
    load(body);
    Exchange exchange;
    send(exchange);
    return exchange.failed ? "failed: " + exchange.failed->exception.message : exchange.body;
  }
  static std::string response(const std::string& head, const std::string& body) {
    return "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
  }
  static std::string coded(net::Coding coding, std::string_view text) {
    auto encoder = net::make_encoder(coding);
    std::string room(text.size() + 1000, '\0');
    const auto step = encoder->step(text, net::Flush::finish, room);
    EXPECT_EQ(step.used, text.size());
    return room.substr(0, step.made);
  }

  Worker worker_;
  Origin origin_{worker_};
};

TEST_F(Outbound, TextAndFields) {
  origin_.answer = [](const std::string&) {
    return response("201 Made\r\nX-A: 1\r\nX-A: 2\r\nSet-Cookie: a\r\nSet-Cookie: b", "{\"n\":5}");
  };
  EXPECT_EQ(
      get("const r = await fetch('http://origin.test:81/p?q#f', {headers: {'X-B': 'b'}});"
          "return Response.json([r.status, r.statusText, r.ok, r.url, r.redirected, r.type,"
          "  r.headers.get('x-a'), r.headers.getSetCookie(), r.webSocket, (await r.json()).n,"
          "  r.bodyUsed, String(r.headers.get('none'))]);"),
      R"([201,"Made",true,"http://origin.test:81/p?q",false,"default","1, 2",["a","b"],null,5,)"
      R"(true,"null"])");
  EXPECT_EQ(origin_.requests[0],
            "GET /p?q HTTP/1.1\r\nHost: origin.test:81\r\nX-B: b\r\n"
            "Accept-Encoding: gzip, br, zstd\r\n\r\n");
}

TEST_F(Outbound, BodiesOfEveryKindAreSent) {
  origin_.answer = [](const std::string& request) {
    return response("200 OK", request.substr(request.find("\r\n\r\n") + 4));
  };
  EXPECT_EQ(
      get("const out = [];"
          "const send = async (body, more) => out.push(await (await fetch('http://o.test/',"
          "  {method: 'POST', body, ...more})).text());"
          "await send('text'); await send(new Uint8Array([65, 66]));"
          "await send(new URLSearchParams({a: 'b'})); await send(new Blob(['blob']));"
          "await send(new Response('stream').body, {duplex: 'half'});"
          "const {readable, writable} = new FixedLengthStream(5);"
          "const w = writable.getWriter(); w.write(new Uint8Array([49,50,51,52,53])); w.close();"
          "await send(readable); await send(undefined);"
          "return new Response(out.join('|'));"),
      "text|AB|a=b|blob|6\r\nstream\r\n0\r\n\r\n|12345|");
  EXPECT_NE(origin_.requests[0].find("Content-Type: text/plain;charset=UTF-8\r\n"),
            std::string::npos);
  EXPECT_NE(origin_.requests[5].find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_NE(origin_.requests[6].find("Content-Length: 0\r\n"), std::string::npos);
  EXPECT_EQ(origin_.pool.stats().opened, 1u) << "one connection for all";
}

// The proxy: neither body is seen by JavaScript, and the headers are as they were.
TEST_F(Outbound, ProxyPassesBothBodiesOn) {
  origin_.answer = [](const std::string& request) {
    return response("200 Fine\r\nX-Case: Kept\r\nContent-Type: a/b",
                    request.substr(request.find("\r\n\r\n") + 4));
  };
  load(
      "return fetch(new URL(request.url).pathname === '/new' ?"
      "  new Request('http://o.test/new', request) : request);");
  for (const char* path : {"/same", "/new"}) {
    Exchange exchange;
    exchange.request_method = "PUT";
    exchange.request_url = std::string("http://worker.test") + path;
    exchange.request_headers = {{"X-From", "Client"}, {"Accept-Encoding", "gzip"}};
    exchange.request_body = {"one", "two"};
    send(exchange);
    EXPECT_EQ(exchange.status, 200);
    EXPECT_EQ(exchange.body, "6\r\nonetwo\r\n0\r\n\r\n");
    EXPECT_EQ(exchange.header("X-Case"), "Kept");
    EXPECT_TRUE(exchange.finished);
    EXPECT_EQ(exchange.content_length, exchange.body.size());
    EXPECT_NE(origin_.requests.back().find("X-From: Client\r\n"), std::string::npos);
    EXPECT_NE(origin_.requests.back().find("Accept-Encoding: gzip\r\n"), std::string::npos);
  }
}

TEST_F(Outbound, CodedBodies) {
  for (const auto coding : {net::Coding::gzip, net::Coding::brotli, net::Coding::zstd}) {
    const std::string name(net::coding_name(coding));
    const std::string bytes = coded(coding, "hello hello");
    origin_.answer = [&](const std::string&) {
      return response("200 OK\r\nContent-Encoding: " + name, bytes);
    };
    load(
        "const r = await fetch('http://o.test/', {encodeResponseBody:"
        "  request.url.endsWith('raw') ? 'manual' : 'automatic'});"
        "const how = new URL(request.url).pathname;"
        "if (how === '/pass') return r;"
        "if (how === '/copy') return new Response(r.body, r);"
        "if (how === '/bare') return new Response(r.body);"
        "if (how === '/stream') { let n = 0; for await (const c of r.body) n += c.length;"
        "  return new Response(n + ''); }"
        "if (how === '/raw') return new Response((await r.bytes()).length + '');"
        "return new Response(await r.text() + r.headers.get('content-encoding')); ");
    const auto ask = [&](const std::string& path, const std::string& accept) {
      Exchange exchange;
      exchange.request_url = "http://worker.test" + path;
      if (!accept.empty()) exchange.request_headers = {{"Accept-Encoding", accept}};
      send(exchange);
      EXPECT_TRUE(exchange.finished) << path;
      return exchange.header("Content-Encoding") + ":" + exchange.body;
    };
    EXPECT_EQ(ask("/text", ""), ":hello hello" + name);
    EXPECT_EQ(ask("/raw", ""), ":" + std::to_string(bytes.size()));
    EXPECT_EQ(ask("/stream", ""), ":11");
    EXPECT_EQ(ask("/pass", "x, " + name + ";q=0.5"), name + ":" + bytes);
    EXPECT_EQ(ask("/copy", name), name + ":" + bytes);
    // A client that did not ask for it gets it plain, and so does one that is told nothing.
    EXPECT_EQ(ask("/pass", "identity"), ":hello hello");
    EXPECT_EQ(ask("/pass", name + ";q=0"), ":hello hello");
    EXPECT_EQ(ask("/bare", name), ":hello hello");
  }
}

TEST_F(Outbound, WronglyCodedBodiesAreErrors) {
  origin_.answer = [](const std::string&) {
    return response("200 OK\r\nContent-Encoding: gzip", "not gzip at all");
  };
  EXPECT_EQ(get("const r = await fetch('http://o.test/');"
                "try { await r.text(); } catch (e) { return new Response(e.message); }"),
            "The body of the response is not coded as its Content-Encoding.");
}

TEST_F(Outbound, Redirects) {
  origin_.answer = [](const std::string& request) {
    if (request.find(" /end ") != std::string::npos) {
      return response("200 OK",
                      request.substr(0, request.find(' ')) +
                          (request.find("uthorization") != std::string::npos ? "+auth" : "") +
                          (request.find("Content-Type") != std::string::npos ? "+type" : "") +
                          request.substr(request.find("\r\n\r\n") + 4));
    }
    if (request.find(" /loop ") != std::string::npos) {
      return response("302 Found\r\nLocation: /loop", "");
    }
    if (request.find(" /ftp ") != std::string::npos) {
      return response("302 Found\r\nLocation: ftp://o.test/", "");
    }
    const std::string status = request.substr(request.find('/') + 1, 3);
    const bool away = request.find("away") != std::string::npos;
    return response(status + " Moved\r\nLocation: " + (away ? "http://other.test/end" : "/end"),
                    "x");
  };
  load(
      "const p = new URL(request.url).searchParams; try {"
      "const r = await fetch('http://o.test/' + p.get('to'), {method: p.get('m'),"
      "  headers: {Authorization: 'secret'}, redirect: p.get('r') ?? 'follow',"
      "  body: p.get('b') === 'stream' ? new Response('sent').body : p.get('b') ?? undefined});"
      "return new Response(r.status + ' ' + r.url + ' ' + r.redirected + ' ' + await r.text());"
      "} catch (e) { return new Response(e.name + ': ' + e.message); }");
  const auto ask = [&](const std::string& query) {
    Exchange exchange;
    exchange.request_url = "http://worker.test/?" + query;
    send(exchange);
    return exchange.body;
  };
  EXPECT_EQ(ask("m=GET&to=302"), "200 http://o.test/end true GET+auth");
  EXPECT_EQ(ask("m=GET&to=302away"), "200 http://other.test/end true GET");
  EXPECT_EQ(ask("m=POST&b=sent&to=301"), "200 http://o.test/end true GET+auth");
  EXPECT_EQ(ask("m=PUT&b=sent&to=302"), "200 http://o.test/end true PUT+auth+typesent");
  EXPECT_EQ(ask("m=PUT&b=sent&to=303"), "200 http://o.test/end true GET+auth");
  EXPECT_EQ(ask("m=POST&b=sent&to=307"), "200 http://o.test/end true POST+auth+typesent");
  EXPECT_EQ(ask("m=POST&b=stream&to=303"), "200 http://o.test/end true GET+auth");
  EXPECT_TRUE(
      ask("m=POST&b=stream&to=308").starts_with("TypeError: A request with a one-time-use"));
  EXPECT_EQ(ask("m=HEAD&to=303"), "200 http://o.test/end true ");
  EXPECT_EQ(ask("m=GET&r=manual&to=302"), "302 http://o.test/302 false x");
  EXPECT_EQ(ask("m=GET&to=ftp"), "TypeError: Fetch API cannot load: ftp://o.test/");
  const size_t before = origin_.requests.size();
  EXPECT_EQ(ask("m=GET&to=loop"), "TypeError: Too many redirects.");
  EXPECT_EQ(origin_.requests.size() - before, 21u);
}

TEST_F(Outbound, LostConnections) {
  const std::string body =
      "const how = []; for (let i = 0; i < 3; i++) try {"
      "  const r = await fetch('http://o.test/' + i); how.push(r.status); how.push(await r.text());"
      "} catch (e) { how.push(e.name + ':' + e.message + ':' + e.cause); }"
      "return new Response(how.join('|'));";
  origin_.answer = [](const std::string& request) -> std::string {
    if (request.find("/0 ") != std::string::npos) return "!";
    if (request.find("/1 ") != std::string::npos) {
      return "!HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort";
    }
    return "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n";
  };
  EXPECT_EQ(
      get(body),
      "TypeError:Network connection lost.:http://o.test: the connection ended without a response|"
      "200|TypeError:Network connection lost.:http://o.test: the connection ended inside the "
      "response|"
      "TypeError:Network connection lost.:http://o.test: Content-Length can't be present with "
      "Transfer-Encoding");
}

// A body cut at the origin is cut for the client too, and is not taken for a whole one.
TEST_F(Outbound, ACutBodyIsCutForTheClient) {
  origin_.answer = [](const std::string&) {
    return "!HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  };
  load("return fetch('http://o.test/');");
  Exchange exchange;
  send(exchange);
  EXPECT_EQ(exchange.body, "abc");
  EXPECT_TRUE(exchange.aborted);
  EXPECT_FALSE(exchange.finished);
}

// Backpressure from the client reaches the origin: nothing is read ahead without bound.
TEST_F(Outbound, ASlowClientHoldsTheOrigin) {
  load("return fetch('http://o.test/');");
  origin_.answer = [](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\n"; };
  Exchange exchange;
  exchange.window = 64 * 1024;
  worker_.start(exchange);
  ASSERT_TRUE(worker_.run_until([&] {
    origin_.step();
    return exchange.status == 200;
  }));
  auto& wire = *origin_.connector.wires[0];
  const std::string piece(16 * 1024, 'x');
  size_t sent = 0;
  for (int i = 0; i < 1000 && wire.receiving; i++, sent += piece.size()) {
    wire.deliver(piece);
    for (int turn = 0; turn < 3; turn++) (void)worker_.loop().turn(false);
  }
  EXPECT_LT(sent, size_t{1} << 20);
  EXPECT_FALSE(wire.receiving);
  exchange.window = SIZE_MAX;
  exchange.drain();
  for (int turn = 0; turn < 5; turn++) (void)worker_.loop().turn(false);
  EXPECT_TRUE(wire.receiving);
  wire.end();
  ASSERT_TRUE(worker_.run_until([&] { return exchange.ended; }));
  EXPECT_EQ(exchange.body.size(), sent);
}

TEST_F(Outbound, AZipBombIsReadInBoundedSteps) {
  const std::string zeros(16 << 20, '\0');
  const std::string bomb = coded(net::Coding::gzip, zeros);
  origin_.answer = [&](const std::string&) {
    return response("200 OK\r\nContent-Encoding: gzip", bomb);
  };
  EXPECT_EQ(get("const r = await fetch('http://o.test/'); let n = 0, most = 0;"
                "for await (const c of r.body) { n += c.length; most = Math.max(most, c.length); }"
                "return new Response(n + ' ' + (most <= 65536));"),
            "16777216 true");
}

TEST_F(Outbound, Aborts) {
  origin_.answer = [](const std::string& request) -> std::string {
    return request.find("/head") != std::string::npos
               ? "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc"
               : "";
  };
  EXPECT_EQ(get("const how = [];"
                "const c = new AbortController(); const p = fetch('http://o.test/never',"
                "  {signal: c.signal}); setTimeout(() => c.abort(), 10);"
                "try { await p; } catch (e) { how.push(e.name + ':' + e.message); }"
                "try { await fetch('http://o.test/never', {signal: AbortSignal.timeout(10)}); }"
                "catch (e) { how.push(e.name); }"
                "const d = new AbortController();"
                "const r = await fetch('http://o.test/head', {signal: d.signal});"
                "setTimeout(() => d.abort('mine'), 10);"
                "try { await r.text(); } catch (e) { how.push(e); }"
                "return new Response(how.join('|'));"),
            "AbortError:The operation was aborted|TimeoutError|mine");
  for (auto& wire : origin_.connector.wires) EXPECT_TRUE(wire->closed);
}

TEST_F(Outbound, WhatAnEventLeavesOpenIsCancelled) {
  origin_.answer = [](const std::string&) { return std::string(); };
  EXPECT_EQ(get("fetch('http://o.test/never').catch(() => {});"
                "await new Promise((r) => setTimeout(r, 20)); return new Response('done');"),
            "done");
  for (int turn = 0; turn < 5; turn++) (void)worker_.loop().turn(false);
  ASSERT_EQ(origin_.connector.wires.size(), 1u);
  EXPECT_TRUE(origin_.connector.wires[0]->closed);
  EXPECT_EQ(origin_.pool.stats().connections, 0u);
}

TEST_F(Outbound, WaitUntilHoldsIt) {
  load(
      "ctx.waitUntil(fetch('http://o.test/late').then((r) => r.text()).then(console.log));"
      "return new Response('early');");
  Exchange exchange;
  send(exchange);
  EXPECT_EQ(exchange.body, "early");
  EXPECT_EQ(worker_.console, std::vector<std::string>{"ok"});
}

TEST_F(Outbound, ABodyBelongsToItsEvent) {
  load(
      "if (request.url.endsWith('first')) { globalThis.kept = await fetch('http://o.test/');"
      "  await new Promise((r) => setTimeout(r, 200)); return new Response('first'); }"
      "try { return new Response(await kept.text()); }"
      "catch (e) { return new Response(e.message); }");
  Exchange first, second;
  first.request_url = "http://worker.test/first";
  worker_.start(first);
  for (int i = 0; i < 20; i++) {
    origin_.step();
    (void)worker_.loop().turn(false);
  }
  send(second);
  EXPECT_TRUE(second.body.starts_with("Cannot perform I/O on behalf of a different request."))
      << second.body;
  ASSERT_TRUE(worker_.run_until([&] { return first.ended; }));
  Exchange third;
  send(third);
  EXPECT_TRUE(third.body.starts_with("Couldn't complete operation because")) << third.body;
}

TEST_F(Outbound, AtTopLevelItThrows) {
  EXPECT_NE(worker_.load("await fetch('http://o.test/'); export default {};")
                .find("Disallowed operation called within global scope."),
            std::string::npos);
}

TEST_F(Outbound, Clones) {
  EXPECT_EQ(get("const r = await fetch('http://o.test/'); const c = r.clone();"
                "return new Response(await r.text() + await c.text() + c.url + "
                "c.headers.get('content-length'));"),
            "okokhttp://o.test/2");
}

TEST_F(Outbound, ResponsesAreImmutableAndCopiesAreNot) {
  EXPECT_EQ(get("const r = await fetch('http://o.test/'); let e;"
                "try { r.headers.set('a', 'b'); } catch (x) { e = x.message; }"
                "const c = new Response(r.body, r); c.headers.set('X-Mine', e);"
                "c.headers.delete('content-length'); return c;"),
            "ok");
}

TEST_F(Outbound, WhatCannotBeSent) {
  EXPECT_EQ(
      get("const how = []; for (const [url, init] of ["
          "  ['http://user:pass@o.test/'], ['ftp://o.test/'],"
          "  ['http://o.test/', {headers: {'X': 'v'.repeat(300000)}}], ['/relative'],"
          "  ['data:text/plain;x']]) {"
          "  try { await fetch(url, init); how.push('sent'); } catch (e) { how.push(e.message); } }"
          "return new Response(how.join('|'));"),
      "Fetch API cannot load a URL with credentials.|"
      "Fetch API cannot load: ftp://o.test/|"
      "The request could not be sent: the headers are too large|"
      "Invalid URL|Fetch API cannot load: data:text/plain;x");
  EXPECT_TRUE(origin_.requests.empty());
}

}  // namespace
}  // namespace skep::api::testing
