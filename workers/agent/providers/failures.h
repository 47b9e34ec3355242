// What a provider's error means, decided by its status and its type. The text decides only where
// providers have no type for it: a text can quote anything, a request's number or a tool's output.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workers/agent/model_types.h"

namespace agent {

// From an error object: {type, code, message}, each optional. `status` 0: within a stream.
ModelFailure failure_of_error(int status, const Json& error);
// From an answer with an error status: its body in whatever form.
ModelFailure failure_of_answer(int status, std::string_view body,
                               std::chrono::milliseconds retry_after);
// How long a provider asks to be left alone, by its headers retry-after (seconds or a date) and
// retry-after-ms, which some send to be more precise; 0: it does not say. At most a day.
std::chrono::milliseconds retry_after_of(std::string_view header, std::string_view header_ms,
                                         int64_t now_ms);
// From a request that got no answer, or half of one.
ModelFailure failure_of_transport(const Error& error);

// May the same request succeed a little later?
bool is_worth_repeating(const ModelFailure& failure);
// "rate_limit", as shown to the owner.
const char* reason_name(ModelFailure::Reason reason);

// `text` with everything that shares 8 or more characters in a row with one of `secrets` masked.
std::string masked(std::string text, const std::vector<std::string>& secrets);

}  // namespace agent
