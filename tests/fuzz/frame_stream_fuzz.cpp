// The supervisor reads frames from workers it does not trust, and the other way round: any bytes,
// split anywhere, must end as frames or as a close.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "proto/supervisor_worker.pb.h"
#include "workers/common/base/frame_stream.h"

namespace {

constexpr size_t largest_frame = 4096;

void check(bool claim) {
    if (!claim) std::abort();
}

void turn(Loop& loop) {
    auto end = loop.after(std::chrono::milliseconds(0), [&loop] { loop.stop(0); });
    loop.run();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2 || size > 64 * 1024) return 0;
    const std::unique_ptr<Loop> loop = make_epoll_loop();
    int ends[2];
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    Fd sender(ends[0]);
    auto stream = std::make_unique<FrameStream>(*loop, Fd(ends[1]), largest_frame);
    size_t bytes_in_frames = 0;
    int closes = 0;
    // The first byte chooses how the input is split, the second after how many frames the stream
    // is destroyed by its own handler.
    const size_t piece = 1 + data[0] * size_t{16};
    int frames_left = data[1] == 0 ? -1 : data[1];
    stream->on_frame([&](std::string_view frame) {
        check(frame.size() <= largest_frame);
        bytes_in_frames += 4 + frame.size();
        hardshell::proto::FromWorker message;
        (void)message.ParseFromArray(frame.data(), static_cast<int>(frame.size()));
        if (--frames_left == 0) stream.reset();
    });
    stream->on_close([&](const std::string&) { ++closes; });
    for (size_t at = 2; at < size && stream && closes == 0; at += piece) {
        const size_t count = std::min(piece, size - at);
        if (::send(sender.get(), data + at, count, MSG_NOSIGNAL) < 0) break;
        turn(*loop);
    }
    sender.reset();
    if (stream && closes == 0) turn(*loop);
    check(bytes_in_frames <= size - 2);
    check(!stream || closes == 1);
    return 0;
}
