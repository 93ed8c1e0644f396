// /cdn-cgi/handler/scheduled?cron=…&time=… of `skep dev`: runs the scheduled() handler now.
#include <ada.h>

#include <charconv>

#include "base/time.h"
#include "shard/http_request.h"
#include "shard/scheduled.h"

namespace skep::shard {

void HttpRequest::run_scheduled_now() {
  const size_t query = url_.href.find('?');
  ada::url_search_params given(
      query == std::string::npos ? std::string_view() : std::string_view(url_.href).substr(query));
  const std::string cron(given.get("cron").value_or("* * * * *"));
  double time_ms = wall_clock_ms();
  if (const auto text = given.get("time")) {
    int64_t whole = 0;
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), whole);
    if (error == std::errc() && end == text->data() + text->size())
      time_ms = static_cast<double>(whole);
  }
  scheduled_wait_ = std::make_shared<char>();
  run_scheduled(*worker_, id_, cron, time_ms,
                [this, wait = std::weak_ptr<char>(scheduled_wait_)](std::string_view outcome) {
                  // The client did not wait for it.
                  if (wait.expired()) return;
                  scheduled_wait_.reset();
                  answer(outcome == "ok" ? 200 : 500, "text/plain; charset=utf-8", outcome);
                });
}

}  // namespace skep::shard
