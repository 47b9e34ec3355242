// Protobuf messages over a stream socket: four bytes of length, most significant first, then the
// message. Never blocks; bounded in both directions.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace google::protobuf {
class MessageLite;
}

class FrameStream {
  public:
    static constexpr size_t default_largest = 4u << 20;
    static constexpr std::string_view ended = "closed by the other end";

    // Takes over the descriptor and makes it non-blocking.
    FrameStream(Loop& loop, Fd socket, size_t largest_frame = default_largest);
    ~FrameStream() { *alive_ = false; }
    FrameStream(const FrameStream&) = delete;
    FrameStream& operator=(const FrameStream&) = delete;

    // The view is valid during the call.
    void on_frame(std::function<void(std::string_view)> handler) { on_frame_ = std::move(handler); }
    // The other end closed, or sent something that is no frame; the text says which. Called once.
    // The stream may be destroyed from within.
    void on_close(std::function<void(const std::string&)> handler) {
        on_close_ = std::move(handler);
    }

    // Queues what the socket does not take at once. Refuses with out_of_room when more than
    // 64 MiB wait, with bad_message when the message exceeds the largest frame.
    Done send(const google::protobuf::MessageLite& message);
    // Bytes queued and not yet taken by the socket.
    size_t unsent() const { return output_.size() - taken_; }
    int descriptor() const { return socket_.get(); }

  private:
    void on_ready(unsigned events);
    void read_some();
    bool take_frames();
    void flush();
    void close(const std::string& why);

    Loop& loop_;
    Fd socket_;
    size_t largest_;
    std::string input_;
    std::string output_;
    size_t taken_ = 0;  // bytes at the front of output_ that the socket has taken
    std::function<void(std::string_view)> on_frame_;
    std::function<void(const std::string&)> on_close_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with a call under way
    Loop::Registration watch_;
};

// Reads exactly one frame, blocking for at most `timeout_ms`; for the ends of short-lived
// processes that have no loop.
Result<std::string> read_one_frame(int descriptor, int timeout_ms,
                                   size_t largest_frame = FrameStream::default_largest);
// Writes one frame, blocking for at most `timeout_ms`.
Done write_one_frame(int descriptor, const google::protobuf::MessageLite& message, int timeout_ms);
