#include "shard/error_page.h"

#include <fmt/format.h>

namespace skep::shard {
namespace {

struct Numbered {
  int status;
  int number;
  std::string_view title;
};

// The numbers and statuses that Cloudflare's error pages have.
Numbered numbered(api::Outcome outcome) {
  switch (outcome) {
    case api::Outcome::exceeded_cpu:
    case api::Outcome::exceeded_memory:
      return {503, 1102, "Worker exceeded resource limits"};
    case api::Outcome::ok:
    case api::Outcome::exception:
    case api::Outcome::canceled:
    case api::Outcome::script_not_found:
      return {500, 1101, "Worker threw exception"};
  }
  return {500, 1101, "Worker threw exception"};
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

ErrorPage dev_page(const Numbered& error, const api::ExceptionReport& report, bool html) {
  const std::string frame = code_frame(report);
  if (!html) {
    return {error.status, "text/plain; charset=utf-8",
            fmt::format("{}\n\n{}\n{}{}\n", error.title, report.message,
                        frame.empty() ? "" : "\n" + frame + "\n", report.stack)};
  }
  constexpr std::string_view kStyle =
      "body{font:16px/1.5 system-ui,sans-serif;margin:3em auto;max-width:60em;padding:0 1em;"
      "color:#222;background:#fffdf7}h1{font-size:1.1em;color:#8a6d00}h2{font-size:1.4em;margin:0}"
      "pre{background:#222;color:#eee;padding:1em;border-radius:6px;overflow:auto}";
  return {error.status, "text/html; charset=utf-8",
          fmt::format("<!doctype html><meta charset=utf-8><title>{0}</title><style>{1}</style>"
                      "<h1>{0} (error {2})</h1><h2>{3}</h2>{4}<pre>{5}</pre>",
                      error.title, kStyle, error.number, escape_html(report.message),
                      frame.empty() ? "" : fmt::format("<pre>{}</pre>", escape_html(frame)),
                      escape_html(report.stack))};
}

ErrorPage make_page(const Numbered& error, const api::ExceptionReport& report, bool dev,
                    bool html) {
  if (dev) return dev_page(error, report, html);
  return {error.status, "text/plain; charset=utf-8", fmt::format("error code: {}\n", error.number)};
}

}  // namespace

std::string code_frame(const api::ExceptionReport& report) {
  if (report.line == 0 || report.source_line.empty()) return "";
  // A line of a minified bundle would fill the screen: show a window round the column.
  constexpr size_t kWindow = 100;
  const size_t column = report.column == 0 ? 0 : report.column - 1;
  const size_t start = column > kWindow ? column - kWindow / 2 : 0;
  std::string_view shown = report.source_line;
  shown = start < shown.size() ? shown.substr(start, kWindow) : std::string_view{};
  const std::string number = fmt::format("{}", report.line);
  return fmt::format("{}:{}:{}\n{} | {}\n{} | {}^", report.file, report.line, report.column, number,
                     shown, std::string(number.size(), ' '), std::string(column - start, ' '));
}

ErrorPage error_page(const api::EventResult& result, bool dev, bool html) {
  return make_page(numbered(result.outcome), result.exception, dev, html);
}

ErrorPage load_error_page(const api::ExceptionReport& report, bool dev, bool html) {
  return make_page({500, 1101, "Worker could not be loaded"}, report, dev, html);
}

}  // namespace skep::shard
