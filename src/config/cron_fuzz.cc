#include "base/assert.h"
#include "config/cron.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto schedule = skep::config::CronSchedule::parse(text);
  if (!schedule) {
    SKEP_ASSERT(schedule.error().offset <= size && !schedule.error().message.empty());
    return 0;
  }
  int64_t at = 29'000'000;
  for (int i = 0; i < 3; i++) {
    const auto next = schedule->next_after(at);
    if (!next) break;
    SKEP_ASSERT(*next > at && schedule->runs_at(*next));
    at = *next;
  }
  return 0;
}
