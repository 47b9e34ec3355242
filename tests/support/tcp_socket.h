// A blocking TCP connection to 127.0.0.1 whose every step ends at a deadline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/support/deadline.h"
#include "workers/common/base/fd.h"

class TcpSocket {
  public:
    TcpSocket() = default;
    // Not connected (see is_open) when the connection is refused or the deadline passes.
    static TcpSocket connect(uint16_t port, const Deadline& deadline);

    bool is_open() const { return static_cast<bool>(descriptor_); }
    // errno of the failed connect; ECONNREFUSED tells that nobody listens.
    int connect_error() const { return connect_error_; }
    bool send(std::string_view bytes);
    // Some bytes; empty text at the end of the stream; nothing at the deadline.
    std::optional<std::string> receive(const Deadline& deadline);
    // The peer reset the connection instead of closing it.
    bool was_reset() const { return was_reset_; }
    void close() { descriptor_.reset(); }
    int descriptor() const { return descriptor_.get(); }

  private:
    Fd descriptor_;
    int connect_error_ = 0;
    bool was_reset_ = false;
};

// A port that was free a moment ago.
uint16_t free_port();
