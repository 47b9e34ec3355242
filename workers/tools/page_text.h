// What a reader sees of a web page: its text, with headings, links and lists as Markdown or plain.
// Pure; takes any bytes, in time linear to them.
#pragma once

#include <string>
#include <string_view>

namespace tools {

enum class PageStyle { markdown, text };
std::string page_text(std::string_view html, PageStyle style);
// The title element's text.
std::string page_title(std::string_view html);

}  // namespace tools
