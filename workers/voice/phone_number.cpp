#include "workers/voice/phone_number.h"

#include <algorithm>

namespace voice {

namespace {

constexpr size_t least_digits = 2;
constexpr size_t most_digits = 15;
// What networks send for a caller who hides the number: "anonymous" in digits.
constexpr std::string_view anonymous_number = "+266696687";

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

}  // namespace

bool is_e164(std::string_view number) {
    if (!number.starts_with('+')) return false;
    number.remove_prefix(1);
    return number.size() >= least_digits && number.size() <= most_digits && number[0] != '0' &&
           std::all_of(number.begin(), number.end(), is_digit);
}

std::string e164_of(std::string_view text) {
    std::string number(text);
    if (!number.starts_with('+')) number.insert(0, 1, '+');
    return is_e164(number) ? number : std::string();
}

std::string digits_of(std::string_view number) {
    std::string digits;
    std::copy_if(number.begin(), number.end(), std::back_inserter(digits), is_digit);
    return digits;
}

Admission admit_caller(InboundPolicy policy, const std::vector<std::string>& allowed,
                       std::string_view caller) {
    if (policy == InboundPolicy::disabled) return Admission::not_taken;
    if (!is_e164(caller) || caller == anonymous_number) return Admission::hides_number;
    if (policy == InboundPolicy::open) return Admission::accepted;
    return std::find(allowed.begin(), allowed.end(), caller) != allowed.end()
               ? Admission::accepted
               : Admission::not_allowed;
}

const char* reason_of(Admission admission) {
    switch (admission) {
        case Admission::accepted:
            return "accepted";
        case Admission::not_taken:
            return "inbound calls are not taken (inboundPolicy is disabled)";
        case Admission::hides_number:
            return "the caller's number is not shown, or is none";
        case Admission::not_allowed:
            return "the caller's number is not in allowFrom";
    }
    return "";
}

bool may_be_called(const std::vector<std::string>& destinations, std::string_view number) {
    if (!is_e164(number)) return false;
    return std::any_of(destinations.begin(), destinations.end(), [&](std::string_view known) {
        if (!known.ends_with('*')) return known == number;
        known.remove_suffix(1);
        // "+*" would be everybody, by accident.
        return known.size() > 1 && known.starts_with('+') && number.starts_with(known);
    });
}

}  // namespace voice
