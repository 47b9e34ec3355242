// The id of a request that cannot be parsed, so that the client that waits for its answer gets one.
#pragma once

#include <string>
#include <string_view>

namespace gateway {

// The top level's "id" when it is a string that can be read, whatever is wrong with the rest;
// empty otherwise. Takes time linear in the text, and no stack.
std::string id_of_broken_frame(std::string_view text);

}  // namespace gateway
