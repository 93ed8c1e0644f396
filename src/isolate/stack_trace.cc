#include "isolate/stack_trace.h"

#include <fmt/format.h>

#include <string_view>

#include "isolate/modules_impl.h"

namespace skep::isolate {
namespace {

constexpr int kMostFrames = 50;
constexpr int kMostMessageBytes = 16 * 1024;

std::string to_string(v8::Isolate* isolate, v8::Local<v8::Value> value) {
  if (value.IsEmpty() || !value->IsString()) return {};
  v8::Local<v8::String> string = value.As<v8::String>();
  std::string out(std::min(string->Utf8Length(isolate), size_t{kMostMessageBytes}), '\0');
  out.resize(string->WriteUtf8(isolate, out.data(), out.size(),
                               v8::String::WriteFlags::kReplaceInvalidUtf8));
  return out;
}

struct Place {
  std::string file;
  uint32_t line = 0;
  uint32_t column = 0;
  std::string source_line;
};

// Where the code was written, when the script has a source map.
Place mapped(v8::Isolate* isolate, Place place) {
  auto* loader = static_cast<ModuleLoader::Impl*>(isolate->GetData(kLoaderSlot));
  const SourceMap* map = loader ? loader->source_map(place.file) : nullptr;
  if (!map) return place;
  const auto position = map->find(place.line, place.column);
  if (!position) return place;
  place.file = mapped_file(place.file, position->source);
  place.line = position->line;
  place.column = position->column;
  place.source_line = map->source_line(position->source_index, position->line);
  return place;
}

bool internal(std::string_view file) {
  return file.starts_with(kInternalScriptPrefix);
}

void add_frames(v8::Isolate* isolate, v8::Local<v8::StackTrace> trace, StackReport& report) {
  if (trace.IsEmpty()) return;
  for (int i = 0; i < std::min(trace->GetFrameCount(), kMostFrames); ++i) {
    v8::Local<v8::StackFrame> frame = trace->GetFrame(isolate, static_cast<uint32_t>(i));
    Place place{.file = to_string(isolate, frame->GetScriptNameOrSourceURL()),
                .line = static_cast<uint32_t>(frame->GetLineNumber()),
                .column = static_cast<uint32_t>(frame->GetColumn())};
    if (internal(place.file) || (place.file.empty() && !frame->IsWasm())) continue;
    place = mapped(isolate, std::move(place));
    std::string function = to_string(isolate, frame->GetFunctionName());
    if (frame->IsConstructor()) function.insert(0, "new ");
    const std::string at = fmt::format("{}:{}:{}", place.file, place.line, place.column);
    if (!report.stack.empty()) report.stack.push_back('\n');
    report.stack += function.empty() ? fmt::format("    at {}", at)
                                     : fmt::format("    at {} ({})", function, at);
    if (report.line != 0) continue;
    report.file = std::move(place.file);
    report.line = place.line;
    report.column = place.column;
    report.source_line = std::move(place.source_line);
  }
}

void add_position(v8::Isolate* isolate, v8::Local<v8::Context> context,
                  v8::Local<v8::Message> message, StackReport& report) {
  Place place{.file = to_string(isolate, message->GetScriptResourceName()),
              .line = static_cast<uint32_t>(message->GetLineNumber(context).FromMaybe(0)),
              .column = static_cast<uint32_t>(message->GetStartColumn(context).FromMaybe(0)) + 1};
  if (place.line == 0 || place.file.empty() || internal(place.file)) return;
  v8::Local<v8::String> line;
  if (message->GetSourceLine(context).ToLocal(&line)) place.source_line = to_string(isolate, line);
  // The topmost frame stands for itself; the message adds the text of its line.
  if (report.line != 0) {
    const Place at = mapped(isolate, place);
    if (report.source_line.empty() && at.file == report.file && at.line == report.line) {
      report.source_line = at.source_line;
    }
    return;
  }
  place = mapped(isolate, std::move(place));
  report.file = std::move(place.file);
  report.line = place.line;
  report.column = place.column;
  report.source_line = std::move(place.source_line);
}

}  // namespace

StackReport describe(v8::Isolate* isolate, v8::Local<v8::Context> context,
                     v8::Local<v8::Value> exception, v8::Local<v8::Message> message) {
  v8::HandleScope scope(isolate);
  StackReport report;
  if (message.IsEmpty()) message = v8::Exception::CreateMessage(isolate, exception);
  // V8 makes this text without side effects, unlike String(exception).
  std::string text = to_string(isolate, message->Get());
  constexpr std::string_view kUncaught = "Uncaught ";
  report.message = text.starts_with(kUncaught) ? text.substr(kUncaught.size()) : std::move(text);
  add_frames(isolate, v8::Exception::GetStackTrace(exception), report);
  if (report.stack.empty()) add_frames(isolate, message->GetStackTrace(), report);
  add_position(isolate, context, message, report);
  return report;
}

}  // namespace skep::isolate
