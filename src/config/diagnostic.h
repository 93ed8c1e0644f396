// What is wrong with a configuration: file, line, column, a sentence, a hint, and the lines around
// it. Made by the parsers and readers of this folder, printed by the command line and the broker.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skep::config {

enum class Severity { warning, error };

// 1-based, columns in bytes; line 0: the file as a whole.
struct Position {
  uint32_t line = 0;
  uint32_t column = 0;
};

struct Diagnostic {
  Severity severity = Severity::error;
  std::string file;
  Position at;
  std::string message;
  std::string hint;   // what would be right; empty: none
  std::string frame;  // code frame, with a newline at the end of each line; empty: none
};

// "FILE:LINE:COLUMN: error: MESSAGE" and, each on lines of its own, the hint and the code frame.
// Ends with a newline.
std::string format_diagnostic(const Diagnostic& diagnostic);
std::string format_diagnostics(std::span<const Diagnostic> diagnostics);

// The line before, the line itself and the line after, with a caret below the column. Long lines
// are cut around the column; control characters are shown as spaces.
std::string code_frame(std::string_view text, Position at);

// The candidate nearest to `name` by edit distance, if it is near enough to be meant; else "".
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

// Collects the diagnostics of one run over several files.
class Diagnostics {
 public:
  // The text of a file whose diagnostics shall have code frames. Kept by reference until
  // end_file().
  void begin_file(std::string path, std::string_view text);
  void end_file();

  void error(Position at, std::string message, std::string hint = {});
  void warning(Position at, std::string message, std::string hint = {});
  void add(Diagnostic diagnostic);

  bool has_errors() const;
  // No more are kept (limits::kDiagnostics): what costs time to say need not be thought of.
  bool full() const;
  const std::vector<Diagnostic>& items() const { return items_; }
  // All of them, and a last one that counts those that were not kept.
  std::vector<Diagnostic> take();

 private:
  void report(Severity severity, Position at, std::string message, std::string hint);

  std::vector<Diagnostic> items_;
  std::string file_;
  std::string_view text_;
  size_t first_of_file_ = 0;
  size_t dropped_ = 0;
  bool dropped_error_ = false;
};

}  // namespace skep::config
