// Telephone numbers and who may call. Pure.
//
// Promises that a number is known whole or not at all: no part of one, no number without its
// country and no caller who hides the number is anybody.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace voice {

// `+` and 2 to 15 digits, the first no 0 (ITU-T E.164).
bool is_e164(std::string_view number);
// "+15550001111" of "15550001111" too, as Plivo writes numbers; empty when it is none.
std::string e164_of(std::string_view text);
// "15550001111"
std::string digits_of(std::string_view number);

enum class InboundPolicy { disabled, allow_list, open };
enum class Admission { accepted, not_taken, hides_number, not_allowed };

// Whoever hides the number is refused under every policy: nobody could be called by it.
Admission admit_caller(InboundPolicy policy, const std::vector<std::string>& allowed,
                       std::string_view caller);
// For the log.
const char* reason_of(Admission admission);

// Whether the model may have that number called: it, or a prefix of it that ends in `*`, is listed.
bool may_be_called(const std::vector<std::string>& destinations, std::string_view number);

}  // namespace voice
