#include "workers/common/channel/fences.h"

#include <algorithm>

namespace {

// The run of ` or ~ that a line begins with; empty when it is no marker.
std::string_view marker_of(std::string_view line) {
    const size_t start = line.find_first_not_of(' ');
    if (start == line.npos || start > 3) return {};
    const char mark = line[start];
    if (mark != '`' && mark != '~') return {};
    const size_t end = std::min(line.find_first_not_of(mark, start), line.size());
    return end - start >= 3 ? line.substr(start, end - start) : std::string_view{};
}

std::string_view after_marker(std::string_view line, std::string_view marker) {
    return line.substr(static_cast<size_t>(marker.data() - line.data()) + marker.size());
}

bool opens(std::string_view line, std::string_view marker) {
    // ```code``` on one line is code in a sentence.
    return !marker.empty() &&
           (marker[0] == '~' || after_marker(line, marker).find('`') == line.npos);
}

bool closes(std::string_view line, std::string_view opener) {
    const std::string_view marker = marker_of(line);
    return !marker.empty() && marker[0] == opener[0] && marker.size() >= opener.size() &&
           after_marker(line, marker).find_first_not_of(" \t\r") == line.npos;
}

}  // namespace

std::vector<Fence> find_fences(std::string_view text) {
    std::vector<Fence> fences;
    bool is_open = false;
    for (size_t start = 0; start < text.size();) {
        const size_t end = std::min(text.find('\n', start), text.size());
        const std::string_view line = text.substr(start, end - start);
        const size_t next = std::min(end + 1, text.size());
        if (is_open && closes(line, fences.back().closing)) {
            fences.back().end = start;
            fences.back().after = end;
            fences.back().is_closed = true;
            is_open = false;
        } else if (const std::string_view marker = marker_of(line);
                   !is_open && opens(line, marker)) {
            fences.push_back({start, next, text.size(), text.size(), line, marker, false});
            is_open = true;
        }
        start = next;
    }
    return fences;
}
