// The files of the built-in page as clients take them: packed where they can unpack, and not at all
// where they have them already. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "workers/gateway/http_answer.h"

namespace gateway {

// Whether a client that sends this Accept-Encoding takes that coding (RFC 9110 §12.5.3). "*" is not
// read: who means a coding names it.
bool accepts_coding(std::string_view accept_encoding, std::string_view coding);
// Of this content and no other.
std::string tag_of(std::string_view content);
// Whether If-None-Match names the tag.
bool names_tag(std::string_view if_none_match, std::string_view tag);

// 200 in the best packing that the client takes, 304, or nothing when there is no such file.
// `headers` are further header lines, each after its line break.
std::optional<HttpAnswer> page_file_answer(std::span<const PageFile> files, const HttpAsk& ask,
                                           std::string_view name, std::string_view content_type,
                                           const std::string& headers);

}  // namespace gateway
