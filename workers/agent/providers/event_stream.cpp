#include "workers/agent/providers/event_stream.h"

namespace agent {

Done EventStream::feed(std::string_view bytes, std::vector<StreamEvent>& events) {
    while (!bytes.empty()) {
        if (skip_line_feed_) {
            skip_line_feed_ = false;
            if (bytes.front() == '\n') bytes.remove_prefix(1);
            continue;
        }
        const size_t end = bytes.find_first_of("\r\n");
        line_.append(bytes.substr(0, end));
        if (line_.size() + event_.data.size() > largest_event)
            return Error{Fault::bad_message, "an event of the answer is larger than 1 MiB"};
        if (end == std::string_view::npos) return {};
        skip_line_feed_ = bytes[end] == '\r';
        bytes.remove_prefix(end + 1);
        take_line(events);
    }
    return {};
}

void EventStream::take_line(std::vector<StreamEvent>& events) {
    std::string_view line = line_;
    if (first_line_ && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    first_line_ = false;
    if (line.empty()) {
        dispatch(events);
    } else if (const size_t colon = line.find(':'); colon != 0) {  // 0: a comment
        const std::string_view name = line.substr(0, colon);
        std::string_view value =
            colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
        if (value.starts_with(' ')) value.remove_prefix(1);
        if (name == "event") {
            event_.type = value;
        } else if (name == "data") {
            if (has_data_) event_.data += '\n';
            event_.data += value;
            has_data_ = true;
        }
    }
    line_.clear();
}

void EventStream::dispatch(std::vector<StreamEvent>& events) {
    if (has_data_) events.push_back(std::move(event_));
    event_ = {};
    has_data_ = false;
}

}  // namespace agent
