// One end of a message path between two workers: ZeroMQ over ipc://, one socket pair per link.
//
// Promises order per direction, whole messages, and that the loop never blocks. Does not promise
// delivery: what sits in a dead peer's buffers is gone, so whatever a user would miss is
// acknowledged end to end by the messages themselves.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace google::protobuf {
class MessageLite;
}
namespace hardshell::proto {
class LinkEnd;
}

class Link {
  public:
    static constexpr size_t largest_frame = 16u << 20;  // bytes
    static constexpr size_t largest_queue = 32u << 20;  // bytes waiting for the peer

    struct Counts {
        uint64_t stale = 0;      // from an earlier life of the peer, or for one of our own
        uint64_t malformed = 0;  // no envelope
        uint64_t refused = 0;    // not queued: the peer does not read
    };

    // Binds or connects. `incarnation` is this process's own.
    static Result<std::unique_ptr<Link>> open(Loop& loop, const hardshell::proto::LinkEnd& end,
                                              uint64_t incarnation);
    ~Link();

    // busy when `largest_queue` is reached: the peer does not keep up, or is not there.
    Done send(const google::protobuf::MessageLite& message);
    // The same, but leaves before the loop sleeps or with the next send(), together with all that
    // came meanwhile: to wake the other end costs more than a short message.
    Done send_together(const google::protobuf::MessageLite& message);
    // From here on what is sent is for the life of the peer that is known then: ZeroMQ hands on to
    // a successor what a dead process did not read, and the successor drops it.
    void send_to_known_life_only();
    // The message inside the envelope, and the life of the peer it comes from. A life newer than
    // any seen before is reported through on_peer first.
    void on_message(std::function<void(std::string_view message)> handler);
    void on_peer(std::function<void(uint64_t incarnation)> handler);
    // What the supervisor says about the other end: frames of earlier lives are dropped from now
    // on, and what waits here for a peer that is gone is discarded when `discard_waiting`. What is
    // sent before the new life was heard may still go to the old one, whose connection may not be
    // known to have ended.
    void peer_is(uint64_t incarnation, bool discard_waiting);

    const std::string& peer() const;
    Counts counts() const;
    // Frames waiting in this process.
    size_t waiting() const;

  private:
    struct Socket;
    explicit Link(std::unique_ptr<Socket> socket);
    void pump();
    void pump_soon();
    bool has_work() const;
    bool receive_one();
    void flush();
    void take(std::string_view frame);

    std::unique_ptr<Socket> socket_;
};
