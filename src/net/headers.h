// Small truths about header fields and statuses (RFC 9110): comparing names, looking one up, what a
// token is, what may stand in a value, the standard phrases. Pure functions, used by every side
// that reads or writes HTTP.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "net/http.h"

namespace skep::net {

// ASCII case only, as field names and most tokens compare.
bool equals_ignore_case(std::string_view a, std::string_view b);
// First header of that name; null when there is none.
const Header* find_header(std::span<const Header> headers, std::string_view name);
// Value of the first header of that name, "" when there is none.
std::string_view header_value(std::span<const Header> headers, std::string_view name);
size_t count_headers(std::span<const Header> headers, std::string_view name);
// Whether a comma-separated list ("keep-alive, Upgrade") has the token, without regard to case.
bool list_has_token(std::string_view list, std::string_view token);

std::string_view trim_whitespace(std::string_view text);  // SP and HTAB
bool is_token(std::string_view text);                     // RFC 9110 5.6.2; not empty
// RFC 9110 5.5: visible characters, SP, HTAB and obs-text; no control character.
bool is_field_value(std::string_view text);
// What a Worker may send, as the Fetch standard and RFC 9113 8.2.1 have it: no NUL, CR or LF.
bool is_sendable_value(std::string_view text);
// Control characters but for HTAB: what a field value may not have.
size_t count_control_characters(std::string_view text);
// uri-host [":" port] of RFC 9112 3.2, not empty. A comma is refused too: two Hosts joined by a
// proxy.
bool is_host(std::string_view text);

// "Not Found" for 404; "" for a status without a standard phrase.
std::string_view status_phrase(int status);

}  // namespace skep::net
