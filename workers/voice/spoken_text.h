// What an answer sounds like: Markdown and addresses are for the eye. Pure.
#pragma once

#include <string>
#include <string_view>

namespace voice {

// Headings, emphasis, lists, code marks and links without their signs; control characters and
// emoji gone; at most `longest_speech` bytes, ending with a sentence where there is one.
std::string spoken_text(std::string_view markdown);

// Twilio's Say and Telnyx' speak take so much.
inline constexpr size_t longest_speech = 3000;

// Safe between the tags and in the attributes of XML.
std::string xml_text(std::string_view text);

}  // namespace voice
