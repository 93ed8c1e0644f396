#include "config/compatibility.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/diagnostic.h"

namespace skep::config {
namespace {

// Sorted by the date, then those that no date turns on. What each does: the Workers documentation.
constexpr CompatibilityFlag kFlags[] = {
    {"formdata_parser_supports_files", "formdata_parser_converts_files_to_strings", "2021-11-03"},
    {"fetch_refuses_unknown_protocols", "fetch_treats_unknown_protocols_as_http", "2021-11-10"},
    {"durable_object_fetch_requires_full_url", "durable_object_fetch_allows_relative_url",
     "2021-11-10"},
    {"minimal_subrequests", "no_minimal_subrequests", "2022-04-05"},
    {"global_navigator", "no_global_navigator", "2022-03-21"},
    {"r2_list_honor_include", "", "2022-08-04"},
    {"capture_async_api_throws", "do_not_capture_async_api_throws", "2022-10-31"},
    {"export_commonjs_default", "export_commonjs_namespace", "2022-10-31"},
    {"url_standard", "url_original", "2022-10-31"},
    {"html_rewriter_treats_esi_include_as_void_tag", "", "2022-11-30"},
    {"streams_enable_constructors", "streams_disable_constructors", "2022-11-30"},
    {"transformstream_enable_standard_constructor", "transformstream_disable_standard_constructor",
     "2022-11-30"},
    {"http_headers_getsetcookie", "no_http_headers_getsetcookie", "2023-03-01"},
    {"dont_substitute_null_on_type_error", "substitute_null_on_type_error", "2023-03-14"},
    {"crypto_preserve_public_exponent", "no_crypto_preserve_public_exponent", "2023-12-01"},
    {"web_socket_compression", "no_web_socket_compression", "2023-08-15"},
    {"strict_crypto_checks", "no_strict_crypto_checks", "2023-08-01"},
    {"strict_compression_checks", "no_strict_compression_checks", "2023-08-01"},
    {"brotli_content_encoding", "no_brotli_content_encoding", "2024-04-29"},
    {"queues_json_messages", "no_queues_json_messages", "2024-03-18"},
    {"fetcher_no_get_put_delete", "fetcher_has_get_put_delete", "2024-03-26"},
    {"unwrap_custom_thenables", "no_unwrap_custom_thenables", "2024-04-01"},
    {"rpc", "no_rpc", "2024-04-03"},
    {"blob_standard_mime_type", "blob_legacy_mime_type", "2024-06-03"},
    {"fetch_standard_url", "fetch_legacy_url", "2024-06-03"},
    {"allow_custom_ports", "ignore_custom_ports", "2024-09-02"},
    {"internal_stream_byob_return_view", "internal_stream_byob_return_undefined", "2024-05-13"},
    {"nodejs_compat_v2", "no_nodejs_compat_v2", "2024-09-23", true},
    {"handle_cross_request_promise_resolution", "no_handle_cross_request_promise_resolution",
     "2024-10-14"},
    {"cache_option_enabled", "cache_option_disabled", "2024-11-11"},
    {"assets_navigation_prefers_asset_serving", "assets_navigation_has_no_effect", "2025-04-01"},
    {"nodejs_compat_populate_process_env", "nodejs_compat_do_not_populate_process_env",
     "2025-04-01", true},
    {"urlpattern_standard", "urlpattern_original", "2025-05-01"},
    {"allow_eval_during_startup", "disallow_eval_during_startup", "2025-06-01"},
    {"cache_no_cache_enabled", "cache_no_cache_disabled", "2025-08-07"},
    {"enable_nodejs_http_modules", "disable_nodejs_http_modules", "2025-08-15", true},
    {"expose_global_message_channel", "no_expose_global_message_channel", "2025-08-15"},
    {"enable_nodejs_http_server_modules", "disable_nodejs_http_server_modules", "2025-09-01", true},
    {"strip_authorization_on_cross_origin_redirect",
     "retain_authorization_on_cross_origin_redirect", "2025-09-01"},
    {"enable_ctx_exports", "disable_ctx_exports", "2025-11-17"},
    {"rpc_params_dup_stubs", "rpc_params_transfer_stubs", "2026-01-20"},
    {"require_returns_default_export", "require_returns_namespace", "2026-01-22"},
    {"delete_all_deletes_alarm", "delete_all_preserves_alarm", "2026-02-24"},
    {"websocket_close_reason_byte_limit", "no_websocket_close_reason_byte_limit", "2026-03-03"},
    {"websocket_standard_binary_type", "no_websocket_standard_binary_type", "2026-03-17"},
    {"web_socket_auto_reply_to_close", "web_socket_manual_reply_to_close", "2026-04-07"},
    {"enhanced_error_serialization", "legacy_error_serialization", "2026-04-21"},
    {"nodejs_compat", "no_nodejs_compat", "2026-08-04"},
    {"nodejs_als", "no_nodejs_als", ""},
    {"global_fetch_strictly_public", "global_fetch_private_origin", ""},
    {"disallow_importable_env", "allow_importable_env", ""},
    {"queue_consumer_no_wait_for_wait_until", "queue_consumer_wait_for_wait_until", ""},
    {"enable_request_signal", "disable_request_signal", ""},
    {"request_signal_passthrough", "no_request_signal_passthrough", ""},
    {"allow_irrevocable_stub_storage", "disallow_irrevocable_stub_storage", ""},
    {"immutable_api_prototypes", "mutable_api_prototypes", ""},
    {"new_module_registry", "legacy_module_registry", ""},
    {"experimental", "", ""},
};

const CompatibilityFlag* find_flag(std::string_view name) {
  for (const CompatibilityFlag& flag : kFlags) {
    if (flag.name == name || (!flag.disable_name.empty() && flag.disable_name == name))
      return &flag;
  }
  return nullptr;
}

bool is_calendar_day(std::string_view date) {
  if (date.size() != 10 || date[4] != '-' || date[7] != '-') return false;
  const auto number = [&](size_t from, size_t count) {
    int value = 0;
    for (size_t i = from; i < from + count; i++) {
      if (date[i] < '0' || date[i] > '9') return -1;
      value = value * 10 + (date[i] - '0');
    }
    return value;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0);
}

}  // namespace

std::span<const CompatibilityFlag> compatibility_flags() {
  return kFlags;
}

Result<> check_compatibility_date(std::string_view date) {
  if (!is_calendar_day(date)) {
    return fail(
        fmt::format("\"{}\" is not a date; compatibility_date is written YYYY-MM-DD", date));
  }
  if (date > kNewestCompatibilityDate) {
    return fail(
        fmt::format("This Worker requires compatibility date \"{}\", but the newest date "
                    "supported by this server binary is \"{}\".",
                    date, kNewestCompatibilityDate));
  }
  return {};
}

Result<> check_compatibility_flag(std::string_view name) {
  if (find_flag(name) != nullptr) return {};
  std::vector<std::string_view> names;
  for (const CompatibilityFlag& flag : kFlags) {
    names.push_back(flag.name);
    if (!flag.disable_name.empty()) names.push_back(flag.disable_name);
  }
  const std::string_view nearest = nearest_name(name, names);
  return fail(fmt::format("No such compatibility flag: {}{}", name,
                          nearest.empty() ? "" : fmt::format("; did you mean \"{}\"?", nearest)));
}

std::vector<std::string> enabled_flags(std::string_view date, std::span<const std::string> flags) {
  if (date.empty()) date = kOldestCompatibilityDate;
  const auto asked = [&](std::string_view name) {
    return !name.empty() && std::ranges::find(flags, name) != flags.end();
  };
  const auto by_date = [&](const CompatibilityFlag& flag) {
    return !flag.default_on.empty() && date >= flag.default_on;
  };
  const CompatibilityFlag* nodejs = find_flag("nodejs_compat");
  const bool node = (asked(nodejs->name) || by_date(*nodejs)) && !asked(nodejs->disable_name);
  std::vector<std::string> enabled;
  for (const CompatibilityFlag& flag : kFlags) {
    const bool by_default = by_date(flag) && (!flag.needs_nodejs_compat || node);
    if ((by_default || asked(flag.name)) && !asked(flag.disable_name)) {
      enabled.emplace_back(flag.name);
    }
  }
  std::ranges::sort(enabled);
  return enabled;
}

}  // namespace skep::config
