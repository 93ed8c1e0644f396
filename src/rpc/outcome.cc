#include "rpc/outcome.h"

#include <string_view>

namespace skep::rpc {

Error error_of(const kj::Exception& exception) {
  constexpr std::string_view kRemote = "remote exception: ";
  std::string_view text(exception.getDescription().cStr(), exception.getDescription().size());
  while (text.starts_with(kRemote)) text.remove_prefix(kRemote.size());
  return Error{std::string(text), 0};
}

void throw_error(const Error& error) {
  kj::throwFatalException(
      kj::Exception(kj::Exception::Type::FAILED, __FILE__, __LINE__,
                    kj::heapString(error.message.data(), error.message.size())));
}

}  // namespace skep::rpc
