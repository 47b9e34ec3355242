// One WebSocket client: who it is, what waits to be sent to it, whether it is being closed.
//
// Knows nothing of sockets: whoever owns the socket is woken and takes frame after frame. What is
// sent to a client that is being closed is dropped.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <list>
#include <memory>
#include <string>

#include "workers/gateway/handshake.h"
#include "workers/gateway/log_budget.h"

namespace gateway {

// A text with room in front for the bytes that go before it on the wire. Shared by all clients
// that a broadcast goes to, or that are given the same answer, each behind a head of its own.
class OutFrame {
  public:
    static constexpr size_t headroom = 16;
    static constexpr size_t longest_head = 112;
    explicit OutFrame(std::string_view text) : OutFrame({text}) {}
    // Of a text in parts: each is copied once.
    OutFrame(std::initializer_list<std::string_view> parts);

    // The text with that head in front of it, at most longest_head; until the next call.
    unsigned char* behind(std::string_view head);
    size_t size() const { return bytes_.size() - before_text; }
    std::string_view text() const { return std::string_view(bytes_).substr(before_text); }

  private:
    static constexpr size_t before_text = headroom + longest_head;
    std::string bytes_;
};
using SharedFrame = std::shared_ptr<OutFrame>;
// What a client is sent: a frame, behind a head that may be empty.
struct Outgoing {
    SharedFrame frame;  // null: nothing
    std::string head;

    explicit operator bool() const { return frame != nullptr; }
    size_t size() const { return head.size() + frame->size(); }
    unsigned char* data() const { return frame->behind(head); }
    std::string text() const { return head + std::string(frame->text()); }
};
// The answer to that request; the payload is JSON text and copied once, empty leaves it out.
SharedFrame response_frame(std::string_view request_id, std::string_view payload_json);
// What all answers with that payload have in common: the text behind response_head().
SharedFrame response_rest(std::string_view payload_json);

class Client {
  public:
    // A client may not make us hold more than this, whatever it asks for.
    static constexpr size_t most_unsent = 32u << 20;

    Client(uint64_t id, RequestHeaders headers, RequestSource source, std::function<void()> wake);

    uint64_t id() const { return id_; }
    const std::string& connection_id() const { return connection_id_; }
    // Until it is admitted.
    const std::string& nonce() const { return *nonce_; }
    const RequestHeaders& headers() const { return *headers_; }
    const RequestSource& source() const { return source_; }
    // Tailscaled has confirmed who it is.
    void identify(std::string tailscale_login) {
        source_.tailscale_login = std::move(tailscale_login);
    }

    bool is_admitted() const { return admission_ != nullptr; }
    void admit(Admission admission);
    // Only of an admitted client.
    const Admission& admission() const { return *admission_; }
    // Under which it is in the presence list; empty when it is not.
    std::string presence_key() const;

    void send(std::string_view text) { send(std::make_shared<OutFrame>(text)); }
    void send(SharedFrame frame);
    // `rest`: of response_rest(). The payload is not copied.
    void send_response(std::string_view request_id, const SharedFrame& rest);
    void send_event(SharedFrame frame);
    // After what waits has been sent.
    void close(int code, std::string_view reason);
    // At once: what waits is dropped.
    void drop(int code, std::string_view reason);

    // Lines of the log that its requests cause.
    LogBudget& log_budget() { return log_budget_; }

    // For the owner of the socket. Empty when nothing waits.
    Outgoing take_frame();
    bool has_frames() const { return !queue_.empty(); }
    // What was taken is wholly with the kernel.
    void frame_sent() { in_flight_ = {}; }
    bool is_closing() const { return close_code_ != 0; }
    int close_code() const { return close_code_; }
    const std::string& close_reason() const { return close_reason_; }

    size_t unsent_events() const { return queued_.events + in_flight_.events; }
    size_t unsent() const { return queued_.all + in_flight_.all; }

  private:
    struct Bytes {
        size_t events = 0;
        size_t all = 0;
    };
    struct Waiting {
        Outgoing out;
        bool is_event;
    };
    void push(Outgoing out, bool is_event);

    uint64_t id_;
    std::string connection_id_;
    std::unique_ptr<std::string> nonce_;
    std::unique_ptr<RequestHeaders> headers_;
    RequestSource source_;
    std::function<void()> wake_;
    std::unique_ptr<Admission> admission_;
    std::list<Waiting> queue_;
    Bytes queued_;
    Bytes in_flight_;
    int close_code_ = 0;
    std::string close_reason_;
    LogBudget log_budget_{LogBudget::of_a_client};
};

}  // namespace gateway
