#include "config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/limits.h"

namespace skep::config {
namespace {

// What a terminal shows of a line: wide enough for code, short enough not to wrap.
constexpr size_t kFrameColumns = 90;
// Names longer than this are no keys of ours; the distance matrix stays on the stack.
constexpr size_t kNameBytes = 64;

size_t line_end(std::string_view text, size_t from) {
  const size_t end = text.find('\n', from);
  return end == std::string_view::npos ? text.size() : end;
}

// Offset of the first byte of a 1-based line; npos when the text has fewer.
size_t line_start(std::string_view text, uint32_t line) {
  size_t offset = 0;
  for (uint32_t i = 1; i < line; i++) {
    const size_t end = text.find('\n', offset);
    if (end == std::string_view::npos) return std::string_view::npos;
    offset = end + 1;
  }
  return offset;
}

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// The part of a line that the frame shows, without splitting a UTF-8 character.
std::string_view cut(std::string_view line, size_t from) {
  while (from < line.size() && is_continuation(line[from])) from++;
  line = line.substr(std::min(from, line.size()));
  size_t length = std::min(line.size(), kFrameColumns);
  while (length < line.size() && length > 0 && is_continuation(line[length])) length--;
  return line.substr(0, length);
}

void append_clean(std::string& out, std::string_view text) {
  for (const char c : text) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
}

// Restricted Damerau-Levenshtein distance (a swap of neighbours counts one), case ignored.
size_t edit_distance(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::array<std::array<uint8_t, kNameBytes + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); j++) rows[0][j] = static_cast<uint8_t>(j);
  for (size_t i = 1; i <= a.size(); i++) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    const auto& before = rows[(i + 1) % 3];
    row[0] = static_cast<uint8_t>(i);
    for (size_t j = 1; j <= b.size(); j++) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      int best = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
          lower(a[i - 2]) == lower(b[j - 1])) {
        best = std::min(best, before[j - 2] + 1);
      }
      row[j] = static_cast<uint8_t>(best);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string format_diagnostic(const Diagnostic& diagnostic) {
  std::string out = diagnostic.file;
  if (diagnostic.at.line > 0) fmt::format_to(std::back_inserter(out), ":{}", diagnostic.at.line);
  if (diagnostic.at.line > 0 && diagnostic.at.column > 0) {
    fmt::format_to(std::back_inserter(out), ":{}", diagnostic.at.column);
  }
  if (!out.empty()) out += ": ";
  out += diagnostic.severity == Severity::error ? "error: " : "warning: ";
  out += diagnostic.message;
  out += '\n';
  out += diagnostic.frame;
  if (!diagnostic.hint.empty()) out += "  hint: " + diagnostic.hint + "\n";
  return out;
}

std::string format_diagnostics(std::span<const Diagnostic> diagnostics) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) out += format_diagnostic(diagnostic);
  return out;
}

std::string code_frame(std::string_view text, Position at) {
  if (at.line == 0) return {};
  const uint32_t first = at.line > 1 ? at.line - 1 : 1;
  const size_t width = fmt::formatted_size("{}", at.line + 1);
  const size_t column = at.column > 0 ? at.column - 1 : 0;
  // Long lines (a minified file) are shown from a little before the place.
  const size_t shift = column + 10 > kFrameColumns ? column - kFrameColumns / 2 : 0;
  std::string out;
  size_t offset = line_start(text, first);
  for (uint32_t line = first; line <= at.line + 1 && offset <= text.size(); line++) {
    const size_t end = line_end(text, offset);
    const std::string_view whole = text.substr(offset, end - offset);
    // The empty rest after the last newline is no line worth showing.
    if (offset == text.size() && line != at.line) break;
    fmt::format_to(std::back_inserter(out), "{} {:>{}} | ", line == at.line ? '>' : ' ', line,
                   width);
    append_clean(out, cut(whole, shift));
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
    if (line == at.line && at.column > 0) {
      // One column a character, not a byte.
      const std::string_view before = whole.substr(0, std::min(column, whole.size()));
      size_t columns = 0;
      for (size_t i = std::min(shift, before.size()); i < before.size(); i++) {
        if (!is_continuation(before[i])) columns++;
      }
      fmt::format_to(std::back_inserter(out), "  {:>{}} | {:>{}}\n", "", width, "^", columns + 1);
    }
    if (end == text.size()) break;
    offset = end + 1;
  }
  return out;
}

std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates) {
  if (name.empty() || name.size() > kNameBytes) return {};
  std::string_view best;
  // A third of the letters may be wrong, never all of them.
  size_t best_distance = std::max<size_t>(1, name.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kNameBytes) continue;
    // "cpu" for "cpu_ms": the rest left out counts as one letter.
    const bool shortened = name.size() >= 3 && candidate.starts_with(name);
    const size_t distance = shortened ? 1 : edit_distance(name, candidate);
    if (distance < best_distance && distance < std::max(name.size(), candidate.size())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

void Diagnostics::begin_file(std::string path, std::string_view text) {
  file_ = std::move(path);
  text_ = text;
  first_of_file_ = items_.size();
}

void Diagnostics::end_file() {
  const auto place = [](const Diagnostic& d) { return std::pair(d.at.line, d.at.column); };
  // Files have few diagnostics; an insertion sort keeps those of one place in their order.
  for (size_t i = first_of_file_ + 1; i < items_.size(); i++) {
    for (size_t j = i; j > first_of_file_ && place(items_[j]) < place(items_[j - 1]); j--) {
      std::swap(items_[j], items_[j - 1]);
    }
  }
  file_.clear();
  text_ = {};
}

bool Diagnostics::full() const {
  return items_.size() >= limits::kDiagnostics;
}

void Diagnostics::add(Diagnostic diagnostic) {
  if (full()) {
    dropped_++;
    dropped_error_ = dropped_error_ || diagnostic.severity == Severity::error;
    return;
  }
  items_.push_back(std::move(diagnostic));
}

std::vector<Diagnostic> Diagnostics::take() {
  if (dropped_ > 0) {
    const Severity severity = dropped_error_ ? Severity::error : Severity::warning;
    items_.push_back({severity, {}, {}, fmt::format("{} more of these", dropped_), {}, {}});
  }
  return std::move(items_);
}

void Diagnostics::report(Severity severity, Position at, std::string message, std::string hint) {
  std::string frame = text_.empty() || full() ? std::string() : code_frame(text_, at);
  add({severity, file_, at, std::move(message), std::move(hint), std::move(frame)});
}

void Diagnostics::error(Position at, std::string message, std::string hint) {
  report(Severity::error, at, std::move(message), std::move(hint));
}

void Diagnostics::warning(Position at, std::string message, std::string hint) {
  report(Severity::warning, at, std::move(message), std::move(hint));
}

bool Diagnostics::has_errors() const {
  return std::ranges::any_of(items_,
                             [](const Diagnostic& d) { return d.severity == Severity::error; });
}

}  // namespace skep::config
