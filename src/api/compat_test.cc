// Compatibility flags and dates: what Workers of old dates, and those that ask for a flag, find.
#include <gtest/gtest.h>

#include <sstream>

#include "api/testing/harness.h"
#include "config/node_builtins.h"

namespace skep::api {
namespace {

using testing::Exchange;
using testing::Worker;

std::string answer(const std::string& date, std::vector<std::string> flags,
                   const std::string& expression) {
  Worker worker({.env = {}, .compatibility_flags = std::move(flags), .compatibility_date = date});
  const std::string error = worker.load(
      "addEventListener('fetch', (event) => event.respondWith((async () => new Response(await (" +
      expression + ")))()))");
  return error.empty() ? worker.get() : error;
}

TEST(CompatTest, what_old_dates_lack) {
  const std::string old = "2021-11-02";
  EXPECT_EQ(answer(old, {}, "typeof Headers.prototype.getSetCookie"), "undefined");
  EXPECT_EQ(answer("2023-03-01", {}, "typeof Headers.prototype.getSetCookie"), "function");
  EXPECT_EQ(answer(old, {"http_headers_getsetcookie"}, "typeof Headers.prototype.getSetCookie"),
            "function");
  EXPECT_EQ(answer("2023-03-01", {"no_http_headers_getsetcookie"},
                   "[...new Headers([['set-cookie', 'a'], ['set-cookie', 'b']])].length"),
            "1");
  EXPECT_EQ(answer(old, {}, "typeof navigator + typeof WeakRef + typeof FinalizationRegistry"),
            "undefinedundefinedundefined");
  EXPECT_EQ(answer("2025-05-05", {}, "typeof WeakRef + typeof navigator.language"),
            "functionundefined");
  EXPECT_EQ(answer("2025-05-19", {}, "typeof navigator.language"), "string");
  EXPECT_EQ(answer(old, {}, "new URLSearchParams('a=1').has('a', '2')"), "true");
  EXPECT_EQ(answer("2023-07-01", {}, "new URLSearchParams('a=1').has('a', '2')"), "false");
  EXPECT_EQ(answer(old, {}, "new Request('http://a/', {method: 'patch'}).method"), "patch");
  EXPECT_EQ(answer("2024-10-14", {}, "new Request('http://a/', {method: 'patch'}).method"),
            "PATCH");
}

TEST(CompatTest, streams_of_scripts_came_later) {
  const std::string made =
      "(() => { try { new ReadableStream(); return 'made' } catch (error) "
      "{ return error.message.slice(0, 44) } })()";
  EXPECT_EQ(answer("2022-11-29", {}, made), "To use the new ReadableStream() constructor,");
  EXPECT_EQ(answer("2022-11-30", {}, made), "made");
  const std::string kind = "TransformStream === IdentityTransformStream";
  EXPECT_EQ(answer("2022-11-29", {}, kind), "true");
  EXPECT_EQ(answer("2022-11-30", {}, kind), "false");
  EXPECT_EQ(answer("2022-11-29", {}, "new Response('a body').text()"), "a body");
}

// The runtime's list of Node's modules and the configuration's are one.
TEST(CompatTest, modules_of_node_are_those_that_the_configuration_knows) {
  Worker worker({.env = {}, .compatibility_flags = {"nodejs_compat"}});
  ASSERT_EQ(
      worker.load("import { builtinModules } from 'node:module';"
                  "export default { fetch() { return new Response(builtinModules.join()) } }"),
      "");
  std::istringstream names(worker.get());
  size_t count = 0;
  for (std::string name; std::getline(names, name, ','); ++count) {
    EXPECT_TRUE(config::names_node_module(name)) << name;
  }
  EXPECT_GT(count, 50);
}

TEST(CompatTest, cache_modes) {
  const std::string mode =
      "(() => { try { return new Request('http://a/', {cache: 'no-cache'})"
      ".cache } catch (error) { return error.message } })()";
  EXPECT_EQ(answer("2024-11-10", {}, mode),
            "The 'cache' field on 'RequestInitializerDict' is not implemented.");
  EXPECT_EQ(answer("2024-11-11", {}, mode), "Unsupported cache mode: no-cache");
  EXPECT_EQ(answer("2025-08-07", {}, mode), "no-cache");
}

TEST(CompatTest, files_of_forms) {
  const std::string kind =
      "new Response('--b\\r\\nContent-Disposition: form-data; name=\"f\"; "
      "filename=\"x\"\\r\\n\\r\\n"
      "text\\r\\n--b--\\r\\n', {headers: {'Content-Type': 'multipart/form-data; boundary=b'}})"
      ".formData().then((form) => typeof form.get('f'))";
  EXPECT_EQ(answer("2021-11-02", {}, kind), "string");
  EXPECT_EQ(answer("2021-11-03", {}, kind), "object");
}

TEST(CompatTest, eval_at_start_up) {
  const auto load = [](const std::string& date) {
    Worker worker({.env = {}, .compatibility_flags = {}, .compatibility_date = date});
    return worker.load("const one = eval('1'); export default { fetch() {} };");
  };
  EXPECT_EQ(load("2025-05-31"),
            "EvalError: Code generation from strings disallowed for this context");
  EXPECT_EQ(load("2025-06-01"), "");
}

TEST(CompatTest, the_signal_of_a_request_hears_that_the_client_left) {
  Worker worker({.env = {}, .compatibility_flags = {"enable_request_signal"}});
  ASSERT_EQ(worker.load("export default { async fetch(request) {"
                        "  request.signal.addEventListener('abort', () => {"
                        "    console.log(String(request.signal.reason)) });"
                        "  await new Promise(() => {}) } }"),
            "");
  Exchange exchange;
  Event* event = worker.begin(exchange);
  ASSERT_NE(event, nullptr);
  EXPECT_FALSE(exchange.ended) << "it waits for its client, and does not hang";
  worker.runtime().client_gone(*event);
  ASSERT_TRUE(worker.run_until([&] { return exchange.ended; }));
  EXPECT_EQ(exchange.result.outcome, Outcome::canceled);
  ASSERT_EQ(worker.console.size(), 1);
  EXPECT_EQ(worker.console[0], "AbortError: The client has disconnected");
}

TEST(CompatTest, what_waits_goes_on_after_the_client_left) {
  Worker worker({.env = {}, .compatibility_flags = {"enable_request_signal"}});
  ASSERT_EQ(worker.load("export default { async fetch(request, env, ctx) {"
                        "  ctx.waitUntil(new Promise((resolve) => { request.signal.onabort = "
                        "    () => setTimeout(() => { console.log('later'); resolve() }, 5) }));"
                        "  await new Promise(() => {}) } }"),
            "");
  Exchange exchange;
  Event* event = worker.begin(exchange);
  ASSERT_NE(event, nullptr);
  worker.runtime().client_gone(*event);
  ASSERT_TRUE(worker.run_until([&] { return !worker.console.empty(); }));
  EXPECT_EQ(worker.console[0], "later");
}

TEST(CompatTest, without_the_flag_no_signal_is_aborted) {
  Worker worker;
  ASSERT_EQ(worker.load("export default { async fetch(request, env, ctx) {"
                        "  request.signal.onabort = () => console.log('aborted');"
                        "  ctx.waitUntil(scheduler.wait(10).then(() => console.log('over')));"
                        "  await new Promise(() => {}) } }"),
            "");
  Exchange exchange;
  Event* event = worker.begin(exchange);
  ASSERT_NE(event, nullptr);
  worker.runtime().client_gone(*event);
  ASSERT_TRUE(worker.run_until([&] { return !worker.console.empty(); }));
  EXPECT_EQ(worker.console[0], "over");
}

}  // namespace
}  // namespace skep::api
