#include "workers/common/link.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message_lite.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <zmq.hpp>

#include "proto/envelope.pb.h"
#include "proto/supervisor_worker.pb.h"
#include "workers/common/log.h"

namespace {

// Frames, not bytes: the bytes are bounded by our own queue. Small, so that little is lost with a
// dying peer.
constexpr int high_water_mark = 100;
constexpr int reconnect_ms = 5;
constexpr std::chrono::milliseconds longest_pump{10};
constexpr std::chrono::milliseconds file_check{2'000};
constexpr std::string_view ipc = "ipc://";
constexpr uint32_t message_tag = hardshell::proto::Envelope::kMessageFieldNumber << 3 | 2;  // bytes

zmq::context_t& context() {
    static zmq::context_t instance(1);
    return instance;
}

std::string encode(const hardshell::proto::Envelope& envelope,
                   const google::protobuf::MessageLite& message) {
    std::string frame = envelope.SerializeAsString();
    // The last member, written where it belongs: a message may be megabytes, and copies cost.
    using google::protobuf::io::CodedOutputStream;
    const size_t size = message.ByteSizeLong();
    uint8_t head[16];
    uint8_t* end = CodedOutputStream::WriteTagToArray(message_tag, head);
    end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(size), end);
    frame.reserve(frame.size() + sizeof head + size);
    frame.append(reinterpret_cast<const char*>(head), static_cast<size_t>(end - head));
    message.AppendPartialToString(&frame);
    return frame;
}

}  // namespace

struct Link::Socket {
    Loop& loop;
    std::string name;
    std::string peer;
    std::string endpoint;
    bool binds;
    uint64_t incarnation;
    zmq::socket_t zmq;
    uint64_t sequence = 0;
    uint64_t peer_incarnation = 0;
    std::deque<std::string> queue;
    size_t queued_bytes = 0;
    Counts counts;
    bool names_receiver = false;
    bool pumping = false;
    std::shared_ptr<bool> alive = std::make_shared<bool>(true);  // shared with tasks of the loop
    std::function<void(std::string_view)> on_message;
    std::function<void(uint64_t)> on_peer;
    Loop::Registration watch;
    Loop::Registration before_sleep;
    Loop::Registration file_watch;

    Socket(Loop& l, const hardshell::proto::LinkEnd& end, uint64_t own)
        : loop(l),
          name(end.name()),
          peer(end.peer()),
          endpoint(end.endpoint()),
          binds(end.binds()),
          incarnation(own),
          zmq(context(), zmq::socket_type::dealer) {}

    void bind() {
        // The directory admits only the two ends; the socket itself must admit both.
        const mode_t mask = umask(0007);
        zmq.bind(endpoint);
        umask(mask);
    }
    void bind_again_if_removed();
};

// Somebody cleaned up the run directory: who comes next would not find the way. What is connected
// starts over, too.
void Link::Socket::bind_again_if_removed() {
    const std::string path = endpoint.substr(ipc.size());
    if (access(path.c_str(), F_OK) == 0 || errno != ENOENT) return;
    try {
        zmq.unbind(endpoint);
        bind();
        log_warn("the socket of the link to {} had been removed; it is made again", peer);
    } catch (const zmq::error_t& failure) {
        log_warn("cannot make the socket of the link to {} again: {}", peer, failure.what());
    }
}

Result<std::unique_ptr<Link>> Link::open(Loop& loop, const hardshell::proto::LinkEnd& end,
                                         uint64_t incarnation) {
    try {
        auto socket = std::make_unique<Socket>(loop, end, incarnation);
        socket->zmq.set(zmq::sockopt::linger, 0);
        socket->zmq.set(zmq::sockopt::sndhwm, high_water_mark);
        socket->zmq.set(zmq::sockopt::rcvhwm, high_water_mark);
        socket->zmq.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(largest_frame) + 1024);
        socket->zmq.set(zmq::sockopt::reconnect_ivl, reconnect_ms);
        socket->zmq.set(zmq::sockopt::reconnect_ivl_max, 100);
        if (end.binds())
            socket->bind();
        else
            socket->zmq.connect(end.endpoint());
        std::unique_ptr<Link> link(new Link(std::move(socket)));
        return link;
    } catch (const zmq::error_t& failure) {
        return Error{Fault::system,
                     "cannot open the link to " + end.peer() + " at " + end.endpoint() + ": " +
                         failure.what(),
                     failure.num()};
    }
}

Link::Link(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {
    // The descriptor only says that something may have changed. It is read empty on every wake-up,
    // after every send and before every sleep; anything less stalls.
    const int descriptor = socket_->zmq.get(zmq::sockopt::fd);
    socket_->watch = socket_->loop.watch(descriptor, Loop::readable, [this](unsigned) { pump(); });
    socket_->before_sleep = socket_->loop.before_sleep([this] { pump(); });
    if (socket_->binds && socket_->endpoint.starts_with(ipc))
        socket_->file_watch =
            socket_->loop.every(file_check, [this] { socket_->bind_again_if_removed(); });
}

Link::~Link() {
    *socket_->alive = false;
    socket_->watch.reset();
    socket_->before_sleep.reset();
    socket_->file_watch.reset();
}

Done Link::send_together(const google::protobuf::MessageLite& message) {
    hardshell::proto::Envelope envelope;
    envelope.set_incarnation(socket_->incarnation);
    envelope.set_sequence(++socket_->sequence);
    if (socket_->names_receiver) envelope.set_receiver(socket_->peer_incarnation);
    std::string frame = encode(envelope, message);
    if (frame.size() > largest_frame)
        return Error{Fault::bad_message, "a message of " + std::to_string(frame.size()) +
                                             " bytes is too large for the link to " +
                                             socket_->peer};
    if (socket_->queued_bytes + frame.size() > largest_queue) {
        ++socket_->counts.refused;
        return Error{Fault::busy, socket_->peer + " does not keep up"};
    }
    socket_->queued_bytes += frame.size();
    socket_->queue.push_back(std::move(frame));
    return {};
}

Done Link::send(const google::protobuf::MessageLite& message) {
    if (const Done done = send_together(message); !done) return done;
    flush();
    // Sending may have read the wake-up for a frame that came in meanwhile, after this link's last
    // look before the loop sleeps.
    if (!socket_->pumping && has_work()) pump_soon();
    return {};
}

void Link::send_to_known_life_only() {
    socket_->names_receiver = true;
}

void Link::on_message(std::function<void(std::string_view)> handler) {
    socket_->on_message = std::move(handler);
}

void Link::on_peer(std::function<void(uint64_t)> handler) {
    socket_->on_peer = std::move(handler);
}

void Link::peer_is(uint64_t incarnation, bool discard_waiting) {
    if (discard_waiting) {
        socket_->queue.clear();
        socket_->queued_bytes = 0;
    }
    if (incarnation > socket_->peer_incarnation) {
        socket_->peer_incarnation = incarnation;
        const auto handler = socket_->on_peer;
        if (handler) handler(incarnation);
    }
}

const std::string& Link::peer() const {
    return socket_->peer;
}
Link::Counts Link::counts() const {
    return socket_->counts;
}
size_t Link::waiting() const {
    return socket_->queue.size();
}

void Link::pump() {
    if (socket_->pumping) return;
    socket_->pumping = true;
    const std::shared_ptr<bool> alive = socket_->alive;
    // Bounded, so that a peer that always has more does not starve the rest of the loop: by time,
    // since what one message costs differs a thousandfold, and a loop that does not turn is killed.
    const auto end = std::chrono::steady_clock::now() + longest_pump;
    try {
        while (receive_one()) {
            if (!*alive) return;  // the handler closed this link
            if (std::chrono::steady_clock::now() >= end) break;
        }
        flush();
    } catch (const zmq::error_t&) {
        // ETERM and ENOTSOCK only, while the process ends.
    }
    socket_->pumping = false;
    if (has_work()) pump_soon();
}

// Whether a frame can be taken or given now. Asking reads the descriptor's wake-up away, whichever
// of the two it was for, so both answers count.
bool Link::has_work() const {
    const int wanted = ZMQ_POLLIN | (socket_->queue.empty() ? 0 : ZMQ_POLLOUT);
    try {
        return (socket_->zmq.get(zmq::sockopt::events) & wanted) != 0;
    } catch (const zmq::error_t&) {
        return false;
    }
}

void Link::pump_soon() {
    socket_->loop.soon([this, alive = socket_->alive] {
        if (*alive) pump();
    });
}

bool Link::receive_one() {
    zmq::message_t frame;
    if (!socket_->zmq.recv(frame, zmq::recv_flags::dontwait)) return false;
    take({static_cast<const char*>(frame.data()), frame.size()});
    return true;
}

void Link::take(std::string_view frame) {
    hardshell::proto::Envelope envelope;
    if (!envelope.ParseFromArray(frame.data(), static_cast<int>(frame.size())) ||
        envelope.incarnation() == 0) {
        ++socket_->counts.malformed;
        return;
    }
    const bool is_for_us = envelope.receiver() == 0 || envelope.receiver() == socket_->incarnation;
    if (envelope.incarnation() < socket_->peer_incarnation || !is_for_us) {
        ++socket_->counts.stale;
        return;
    }
    const std::shared_ptr<bool> alive = socket_->alive;
    peer_is(envelope.incarnation(), false);
    if (!*alive) return;
    const auto handler = socket_->on_message;  // a copy: it may close this link
    if (handler) handler(envelope.message());
}

void Link::flush() {
    while (!socket_->queue.empty()) {
        const std::string& frame = socket_->queue.front();
        try {
            if (!socket_->zmq.send(zmq::const_buffer(frame.data(), frame.size()),
                                   zmq::send_flags::dontwait))
                return;  // EAGAIN; tried again when the descriptor wakes, and before each sleep
        } catch (const zmq::error_t&) {
            return;
        }
        socket_->queued_bytes -= frame.size();
        socket_->queue.pop_front();
    }
}
