#include "workers/common/base/frame_stream.h"

#include <fcntl.h>
#include <google/protobuf/message_lite.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "workers/common/base/clock.h"

namespace {

constexpr size_t header_size = 4;
constexpr size_t largest_backlog = 64u << 20;

std::string encode(const google::protobuf::MessageLite& message) {
    const size_t size = message.ByteSizeLong();
    std::string frame(header_size + size, '\0');
    for (size_t i = 0; i < header_size; ++i)
        frame[i] = static_cast<char>((size >> (8 * (header_size - 1 - i))) & 0xff);
    message.SerializeToArray(frame.data() + header_size, static_cast<int>(size));
    return frame;
}

size_t decode_length(std::string_view header) {
    size_t size = 0;
    for (size_t i = 0; i < header_size; ++i)
        size = (size << 8) | static_cast<unsigned char>(header[i]);
    return size;
}

}  // namespace

FrameStream::FrameStream(Loop& loop, Fd socket, size_t largest_frame)
    : loop_(loop), socket_(std::move(socket)), largest_(largest_frame) {
    fcntl(socket_.get(), F_SETFL, fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
    watch_ =
        loop_.watch(socket_.get(), Loop::readable, [this](unsigned events) { on_ready(events); });
}

Done FrameStream::send(const google::protobuf::MessageLite& message) {
    if (!socket_) return Error{Fault::unreachable, "the other end has closed"};
    if (message.ByteSizeLong() > largest_)
        return Error{Fault::bad_message, "message of " + std::to_string(message.ByteSizeLong()) +
                                             " bytes is larger than the largest frame"};
    if (unsent() > largest_backlog) return Error{Fault::out_of_room, "the other end does not read"};
    output_ += encode(message);
    flush();
    return {};
}

void FrameStream::on_ready(unsigned events) {
    const std::shared_ptr<bool> alive = alive_;
    if (events & Loop::writable) flush();
    if (*alive && socket_ && (events & Loop::readable)) read_some();
}

void FrameStream::read_some() {
    const std::shared_ptr<bool> alive = alive_;
    char buffer[65536];
    const ssize_t count = ::read(socket_.get(), buffer, sizeof buffer);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) return close(std::string(ended));
    input_.append(buffer, static_cast<size_t>(count));
    const bool well_formed = take_frames();
    if (*alive && !well_formed) close("sent a frame that is too large");
}

bool FrameStream::take_frames() {
    const std::shared_ptr<bool> alive = alive_;
    // A copy: the handler may destroy this stream, and itself with it.
    const auto handler = on_frame_;
    size_t taken = 0;
    while (input_.size() - taken >= header_size) {
        const size_t size = decode_length(std::string_view(input_).substr(taken, header_size));
        if (size > largest_) return false;
        if (input_.size() - taken - header_size < size) break;
        // Copied out: the handler may send, or destroy this stream.
        const std::string frame = input_.substr(taken + header_size, size);
        taken += header_size + size;
        if (handler) handler(frame);
        if (!*alive) return true;
        if (!socket_) return true;
    }
    input_.erase(0, taken);
    return true;
}

void FrameStream::flush() {
    while (unsent() > 0) {
        const ssize_t count =
            ::send(socket_.get(), output_.data() + taken_, unsent(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        // A broken socket shows itself as readable. What waits can reach nobody, and a peer that
        // only stopped reading would otherwise keep this socket writable for ever.
        // A kernel without room for a moment is as good as a full socket: tried again.
        const bool later = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
        if (count < 0 && !later) taken_ = output_.size();
        if (count <= 0) break;
        taken_ += static_cast<size_t>(count);
    }
    // Moved up seldom: with a long queue each move costs more than what the socket takes.
    if (taken_ >= output_.size() / 2) {
        output_.erase(0, taken_);
        taken_ = 0;
    }
    loop_.rewatch(socket_.get(),
                  unsent() == 0 ? Loop::readable : (Loop::readable | Loop::writable));
}

void FrameStream::close(const std::string& why) {
    watch_.reset();
    socket_.reset();
    *alive_ = false;
    if (auto handler = std::move(on_close_)) handler(why);
}

namespace {

Done wait_for(int descriptor, short events, int64_t deadline) {
    for (;;) {
        pollfd entry{descriptor, events, 0};
        const int64_t left = deadline - monotonic_ms();
        if (left <= 0) return Error{Fault::timed_out, "no answer in time"};
        const int ready = poll(&entry, 1, static_cast<int>(left));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return system_error("poll", errno);
    }
}

Done read_exactly(int descriptor, char* into, size_t size, int64_t deadline) {
    while (size > 0) {
        if (Done ready = wait_for(descriptor, POLLIN, deadline); !ready) return ready.error();
        const ssize_t count = ::read(descriptor, into, size);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count < 0) return system_error("read", errno);
        if (count == 0) return Error{Fault::unreachable, "the other end closed"};
        into += count;
        size -= static_cast<size_t>(count);
    }
    return {};
}

}  // namespace

Result<std::string> read_one_frame(int descriptor, int timeout_ms, size_t largest_frame) {
    const int64_t deadline = monotonic_ms() + timeout_ms;
    char header[header_size];
    if (Done done = read_exactly(descriptor, header, header_size, deadline); !done)
        return done.error();
    const size_t size = decode_length({header, header_size});
    if (size > largest_frame) return Error{Fault::bad_message, "a frame that is too large"};
    std::string frame(size, '\0');
    if (Done done = read_exactly(descriptor, frame.data(), size, deadline); !done)
        return done.error();
    return frame;
}

Done write_one_frame(int descriptor, const google::protobuf::MessageLite& message, int timeout_ms) {
    const int64_t deadline = monotonic_ms() + timeout_ms;
    const std::string frame = encode(message);
    size_t sent = 0;
    while (sent < frame.size()) {
        if (Done ready = wait_for(descriptor, POLLOUT, deadline); !ready) return ready.error();
        const ssize_t count =
            ::send(descriptor, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (count < 0) return system_error("write", errno);
        sent += static_cast<size_t>(count);
    }
    return {};
}
