// Standard base64, padded.
#pragma once

#include <string>
#include <string_view>

namespace tools {

std::string base64(std::string_view bytes);

}  // namespace tools
