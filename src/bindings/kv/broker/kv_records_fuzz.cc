// Records as they come from a disk that nobody vouches for: what is decoded is encoded to the same.
#include <cstdint>
#include <string_view>

#include "base/assert.h"
#include "bindings/kv/broker/kv_records.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto record = skep::bindings::decode(bytes);
  if (record) {
    const auto again = skep::bindings::decode(skep::bindings::encode(*record));
    SKEP_ASSERT(again && again->sequence == record->sequence && again->value == record->value &&
                again->metadata == record->metadata && again->blob == record->blob &&
                again->size == record->size && again->expiration == record->expiration);
  }
  return 0;
}
