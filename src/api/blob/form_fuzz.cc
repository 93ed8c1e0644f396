// Form bodies through formData() in an isolate, as requests bring them: the first line is the
// content type, the rest the body. A body is taken or refused with a TypeError; what was taken
// means the same when it is written and read again. The parsers are JavaScript, so the fuzzer sees
// the paths of their native helpers only.
#include <cstdint>
#include <memory>
#include <string>

#include "api/testing/harness.h"

namespace {

using skep::api::testing::Exchange;
using skep::api::testing::Worker;

// An isolate grows with what it has seen.
constexpr unsigned kInputsPerIsolate = 5000;

constexpr const char* kSource = R"(
async function entries(form) {
  const list = [];
  for (const [name, value] of form) {
    const file = typeof value !== "string";
    list.push([name, file ? [value.name, value.type, [...await value.bytes()]] : value]);
  }
  return list;
}
const again = (form) => new Response(form).formData();
export default { async fetch(request) {
  let form;
  try {
    form = await request.formData();
  } catch (error) {
    if (error instanceof TypeError) return new Response("refused");
    throw error;
  }
  // The first writing makes line ends what the standard wants; after it nothing changes.
  const second = await again(form);
  const third = await again(second);
  const [a, b] = [JSON.stringify(await entries(second)), JSON.stringify(await entries(third))];
  if (a !== b) throw new Error(`${a} is not ${b}`);
  return new Response("taken");
} };
)";

std::unique_ptr<Worker> make_worker() {
  auto worker = std::make_unique<Worker>();
  if (!worker->load(kSource).empty()) __builtin_trap();
  return worker;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // V8 and the worker live from one input to the next, to the end of the process.
  static std::unique_ptr<Worker>& worker = *new std::unique_ptr<Worker>(make_worker());
  static unsigned inputs = 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t end = text.find('\n');
  if (end == std::string_view::npos) return -1;
  if (++inputs % kInputsPerIsolate == 0) worker = make_worker();

  Exchange exchange;
  exchange.request_method = "POST";
  exchange.request_headers = {{"content-type", std::string(text.substr(0, end))}};
  exchange.request_body = {std::string(text.substr(end + 1))};
  worker->send(exchange);
  if (exchange.failed || (exchange.body != "refused" && exchange.body != "taken")) {
    if (exchange.failed) fprintf(stderr, "%s\n", exchange.failed->exception.message.c_str());
    __builtin_trap();
  }
  return 0;
}
