// The id of a response tells which session it is in: previous_response_id is understood for as long
// as the session is kept, whoever was restarted meanwhile. Pure.
#pragma once

#include <optional>
#include <string>

namespace gateway {

// A longer key is in no id: who uses one names it with every request.
inline constexpr size_t longest_key_in_id = 300;  // bytes

// `unique`: without '_'.
std::string response_id(const std::string& session_key, const std::string& unique);
// Nothing when the id is none of ours.
std::optional<std::string> session_of_response(const std::string& id);

}  // namespace gateway
