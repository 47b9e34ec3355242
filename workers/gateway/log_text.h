// Foreign text made fit for a log line.
#pragma once

#include <string>
#include <string_view>

namespace gateway {

// One line of at most `most` bytes, control characters replaced; "n/a" for nothing.
std::string log_safe(std::string_view text, size_t most = 80);
// "6f0c12ab…9d3e": enough of a long id to tell it from others.
std::string short_id(std::string_view id);

}  // namespace gateway
