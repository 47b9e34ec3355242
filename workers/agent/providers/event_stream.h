// Server-sent events out of bytes that may be split anywhere.
//
// Knows CRLF, LF and CR, comments, fields of several lines and the byte order mark. Refuses an
// event of more than 1 MiB. Never blocks, allocates no more than the event that is being read.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/result.h"

namespace agent {

struct StreamEvent {
    std::string type;  // of the "event:" field; empty: none
    std::string data;  // "data:" lines joined by line feeds
};

class EventStream {
  public:
    static constexpr size_t largest_event = 1024 * 1024;

    // Appends the events that `bytes` complete. After an error the stream is of no further use.
    // An event that the end of the stream cuts off is none.
    Done feed(std::string_view bytes, std::vector<StreamEvent>& events);

  private:
    void take_line(std::vector<StreamEvent>& events);
    void dispatch(std::vector<StreamEvent>& events);

    std::string line_;
    StreamEvent event_;
    bool has_data_ = false;
    bool skip_line_feed_ = false;  // the last byte was a carriage return
    bool first_line_ = true;
};

}  // namespace agent
