#include "config/wrangler_keys.h"

namespace skep::config {
namespace {

using enum KeySupport;
using enum KeyInheritance;
constexpr auto kText = Value::Type::string;
constexpr auto kBoolean = Value::Type::boolean;
constexpr auto kArray = Value::Type::array;
constexpr auto kTable = Value::Type::object;

constexpr WranglerKey kKeys[] = {
    {"name", taken, inherited, kText, kText},
    {"main", taken, inherited, kText, kText},
    {"compatibility_date", taken, inherited, kText, kText},
    {"compatibility_flags", taken, inherited, kArray, kArray},
    {"vars", taken, not_inherited, kTable, kTable},
    {"rules", taken, inherited, kArray, kArray},
    {"find_additional_modules", taken, inherited, kBoolean, kBoolean},
    {"base_dir", taken, inherited, kText, kText},
    {"no_bundle", taken, inherited, kBoolean, kBoolean},
    {"alias", taken, inherited, kTable, kTable},
    {"tsconfig", taken, inherited, kText, kText},
    {"kv_namespaces", taken, not_inherited, kArray, kArray},
    {"assets", taken, inherited, kTable, kTable},
    {"ratelimits", taken, not_inherited, kArray, kArray},
    {"secrets", taken, not_inherited, kTable, kTable},
    {"secrets_store_secrets", taken, not_inherited, kArray, kArray},
    {"triggers", taken, inherited, kTable, kTable},
    {"version_metadata", taken, not_inherited, kTable, kTable},
    {"services", taken, not_inherited, kArray, kArray},
    {"limits", taken, inherited, kTable, kTable},
    {"route", taken, inherited, kText, kTable},
    {"routes", taken, inherited, kArray, kArray},
    {"workers_dev", taken, inherited, kBoolean, kBoolean},
    {"env", taken, top_only, kTable, kTable},

    {"$schema", ignored, top_only, kText, kText},
    {"account_id", ignored, inherited, kText, kText},
    {"compliance_region", ignored, inherited, kText, kText},
    {"dependencies_instrumentation", ignored, top_only, kTable, kTable},
    {"first_party_worker", ignored, inherited, kBoolean, kBoolean},
    {"keep_names", ignored, inherited, kBoolean, kBoolean},
    {"keep_vars", ignored, top_only, kBoolean, kBoolean},
    {"legacy_env", ignored, top_only, kBoolean, kBoolean},
    {"logpush", ignored, inherited, kBoolean, kBoolean},
    {"minify", ignored, inherited, kBoolean, kBoolean},
    {"placement", ignored, inherited, kTable, kTable},
    {"preserve_file_names", ignored, inherited, kBoolean, kBoolean},
    {"preview_urls", ignored, inherited, kBoolean, kBoolean},
    {"send_metrics", ignored, top_only, kBoolean, kBoolean},
    {"upload_source_maps", ignored, inherited, kBoolean, kBoolean},

    {"access", later, inherited, kTable, kTable},
    {"addresses", later, top_only, kArray, kArray},
    {"agent_memory", later, not_inherited, kArray, kArray},
    {"ai", later, not_inherited, kTable, kTable},
    {"ai_search", later, not_inherited, kArray, kArray},
    {"ai_search_namespaces", later, not_inherited, kArray, kArray},
    {"analytics", later, not_inherited, kTable, kTable},
    {"analytics_engine_datasets", later, not_inherited, kArray, kArray},
    {"artifacts", later, not_inherited, kArray, kArray},
    {"browser", later, not_inherited, kTable, kTable},
    {"build", later, inherited, kTable, kTable},
    {"cache", later, inherited, kTable, kTable},
    {"cloudchamber", later, not_inherited, kTable, kTable},
    {"connect", later, inherited, kArray, kArray},
    {"containers", later, inherited, kArray, kArray},
    {"d1_databases", later, not_inherited, kArray, kArray},
    {"data_blobs", later, top_only, kTable, kTable},
    {"define", later, not_inherited, kTable, kTable},
    {"dev", later, top_only, kTable, kTable},
    {"dispatch_namespaces", later, not_inherited, kArray, kArray},
    {"durable_objects", later, not_inherited, kTable, kTable},
    {"exports", later, inherited, kTable, kTable},
    {"flagship", later, not_inherited, kArray, kArray},
    {"hyperdrive", later, not_inherited, kArray, kArray},
    {"images", later, not_inherited, kTable, kTable},
    {"jsx_factory", later, inherited, kText, kText},
    {"jsx_fragment", later, inherited, kText, kText},
    {"k2", later, not_inherited, kArray, kArray},
    {"logfwdr", later, not_inherited, kTable, kTable},
    {"media", later, not_inherited, kTable, kTable},
    {"migrations", later, inherited, kArray, kArray},
    {"mtls_certificates", later, not_inherited, kArray, kArray},
    {"observability", later, inherited, kTable, kTable},
    {"pages_build_output_dir", later, top_only, kText, kText},
    {"pipelines", later, not_inherited, kArray, kArray},
    {"previews", later, inherited, kTable, kTable},
    {"python_modules", later, inherited, kTable, kTable},
    {"queues", later, not_inherited, kTable, kTable},
    {"r2_buckets", later, not_inherited, kArray, kArray},
    {"send_email", later, not_inherited, kArray, kArray},
    {"site", later, top_only, kTable, kTable},
    {"stream", later, not_inherited, kTable, kTable},
    {"streaming_tail_consumers", later, not_inherited, kArray, kArray},
    {"tail_consumers", later, not_inherited, kArray, kArray},
    {"text_blobs", later, top_only, kTable, kTable},
    {"unsafe", later, not_inherited, kTable, kTable},
    {"unsafe_hello_world", later, not_inherited, kArray, kArray},
    {"vectorize", later, not_inherited, kArray, kArray},
    {"vpc_networks", later, not_inherited, kArray, kArray},
    {"vpc_services", later, not_inherited, kArray, kArray},
    {"wasm_modules", later, top_only, kTable, kTable},
    {"worker_loaders", later, not_inherited, kArray, kArray},
    {"workflows", later, not_inherited, kArray, kArray},
};

}  // namespace

std::span<const WranglerKey> wrangler_keys() {
  return kKeys;
}

const WranglerKey* find_wrangler_key(std::string_view name) {
  for (const WranglerKey& key : kKeys) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

}  // namespace skep::config
