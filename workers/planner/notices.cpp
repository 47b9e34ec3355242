#include "workers/planner/notices.h"

namespace planner {

namespace {

constexpr size_t most_problems = 50;

using hardshell::proto::Notice;

}  // namespace

void Notices::add(Notice::Severity severity, std::string text) {
    Notice notice;
    notice.set_severity(severity);
    notice.set_text(one_line(std::move(text)));
    notices_.push_back(std::move(notice));
}

void Notices::info(std::string text) {
    add(Notice::INFO, std::move(text));
}
void Notices::warning(std::string text) {
    add(Notice::WARNING, std::move(text));
}
void Notices::error(std::string text) {
    add(Notice::ERROR, std::move(text));
}

void Notices::problems(const Problems& problems, Notice::Severity severity,
                       const std::string& ending) {
    for (size_t index = 0; index < problems.size() && index < most_problems; ++index)
        add(severity, to_text(problems[index]) + ending);
    if (problems.size() > most_problems)
        add(severity,
            "and " + std::to_string(problems.size() - most_problems) + " more like these");
}

std::string one_line(std::string text, size_t bytes) {
    if (text.size() > bytes) {
        while (bytes > 0 && (text[bytes] & 0xC0) == 0x80) --bytes;
        text.resize(bytes);
        text += "…";
    }
    for (char& byte : text)
        if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F) byte = ' ';
    return text;
}

}  // namespace planner
