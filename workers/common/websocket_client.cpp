#include "workers/common/websocket_client.h"

#include "workers/common/lws_socket.h"

#include <algorithm>
#include <deque>
#include <utility>

namespace {

constexpr std::chrono::milliseconds close_patience{5'000};
constexpr size_t longest_close_reason = 123;

// What libwebsockets 4.1.6 calls LWS_WRITE_CLOSE inside: not in its header, but taken.
constexpr auto write_close_frame = static_cast<lws_write_protocol>(4);

enum class Kind { text, binary, ping };

constexpr lws_write_protocol to_protocol(Kind kind) {
    return kind == Kind::text     ? LWS_WRITE_TEXT
           : kind == Kind::binary ? LWS_WRITE_BINARY
                                  : LWS_WRITE_PING;
}

class Socket final : public WebSocket, private LwsSocket {
  public:
    Socket(LwsContext& context, Endpoint endpoint, WebSocketRequest request,
           WebSocketReceiver& receiver)
        : LwsSocket(context, std::move(endpoint)),
          request_(std::move(request)),
          receiver_(&receiver) {}

    void start() { connect(request_.connect_timeout); }
    void fail_later(const Error& error) {
        close_deadline_ =
            context().loop().after(std::chrono::milliseconds(0), [this, error] { ended(error); });
    }

    Done send(std::string_view text) override { return put(Kind::text, text); }
    Done send_binary(std::string_view bytes) override { return put(Kind::binary, bytes); }
    Done ping() override { return put(Kind::ping, {}); }
    size_t unsent() const override { return unsent_; }
    void hand_over(WebSocketReceiver& receiver) override { receiver_ = &receiver; }

    void close(int code, std::string_view reason) override {
        if (close_code_ != 0) return;
        close_code_ = code;
        close_reason_ = reason.substr(0, longest_close_reason);
        close_deadline_ = context().loop().after(close_patience, [this] {
            cut();
            ended({Fault::timed_out, endpoint().host + " does not answer a close"});
        });
        if (is_open()) lws_callback_on_writable(wsi());
    }

  private:
    void describe(lws_client_connect_info& info) override {
        if (!request_.protocol.empty()) info.protocol = request_.protocol.c_str();
    }
    int opened() override {
        was_open_ = true;
        if (close_code_ != 0) {
            lws_callback_on_writable(wsi());
            return 0;
        }
        receiver_->websocket_opened();
        return 0;
    }

    int event(lws_callback_reasons reason, std::string_view bytes) override {
        switch (reason) {
            case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
                return add_headers(reinterpret_cast<char**>(const_cast<char*>(bytes.data())),
                                   bytes.size());
            case LWS_CALLBACK_CLIENT_RECEIVE:
                return receive(bytes);
            case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
                receiver_->websocket_pong();
                return 0;
            case LWS_CALLBACK_CLIENT_WRITEABLE:
                return write_some();
            case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
                return take_close(bytes);
            default:
                return 0;
        }
    }

    // Libwebsockets passes the place where to write, and the room there is.
    int add_headers(char** place, size_t room) {
        for (const auto& [name, value] : request_.headers) {
            const std::string line = name + ": " + value + "\r\n";
            if (line.size() > room || line.find_first_of("\r\n") != line.size() - 2) return -1;
            *place = std::copy(line.begin(), line.end(), *place);
            room -= line.size();
        }
        return 0;
    }

    Done put(Kind kind, std::string_view bytes) {
        if (!is_open() || close_code_ != 0)
            return Error{Fault::unreachable,
                         "the connection to " + endpoint().host + " is not open"};
        if (unsent_ + bytes.size() > request_.most_unsent)
            return Error{Fault::out_of_room, endpoint().host + " does not take what it is sent"};
        unsent_ += bytes.size();
        waiting_.push_back({kind, std::string(LWS_PRE, '\0').append(bytes)});
        lws_callback_on_writable(wsi());
        return {};
    }

    int write_some() {
        if (!waiting_.empty()) {
            auto [kind, text] = std::move(waiting_.front());
            waiting_.pop_front();
            const size_t size = text.size() - LWS_PRE;
            unsent_ -= size;
            auto* begin = reinterpret_cast<unsigned char*>(text.data()) + LWS_PRE;
            if (lws_write(wsi(), begin, size, to_protocol(kind)) < 0) return -1;
            lws_callback_on_writable(wsi());
            return 0;
        }
        return close_code_ == 0 || close_sent_ ? 0 : send_close();
    }

    // Written by hand: in 4.1.6 lws_close_reason() followed by -1 from the writeable callback ends
    // the connection without a close frame. It then waits for the other side's.
    int send_close() {
        std::string bytes(LWS_PRE, '\0');
        bytes += static_cast<char>(close_code_ >> 8);
        bytes += static_cast<char>(close_code_ & 0xff);
        bytes += close_reason_;
        close_sent_ = true;
        auto* begin = reinterpret_cast<unsigned char*>(bytes.data()) + LWS_PRE;
        return lws_write(wsi(), begin, bytes.size() - LWS_PRE, write_close_frame) < 0 ? -1 : 0;
    }

    int receive(std::string_view bytes) {
        if (message_.size() + bytes.size() > request_.largest_message) {
            failure_ = {Fault::out_of_room, "a message of " + endpoint().host + " is larger than " +
                                                std::to_string(request_.largest_message) +
                                                " bytes"};
            return -1;  // no close frame: the rest of the message would have to be read first
        }
        message_.append(bytes);
        if (!lws_is_final_fragment(wsi()) || lws_remaining_packet_payload(wsi()) != 0) return 0;
        const std::string message = std::exchange(message_, {});
        receiver_->websocket_message(message, lws_frame_is_binary(wsi()) != 0);
        return 0;
    }

    int take_close(std::string_view bytes) {
        end_.code = 1005;
        if (bytes.size() < 2) return close_sent_ ? -1 : 0;
        end_.code =
            static_cast<unsigned char>(bytes[0]) << 8 | static_cast<unsigned char>(bytes[1]);
        end_.reason = bytes.substr(2);
        return close_sent_ ? -1 : 0;  // the answer to ours needs none
    }

    void ended(const Error& error) override {
        close_deadline_.reset();
        end_.was_open = was_open_;
        end_.http_status = refusal_status();
        end_.error = failure_.what.empty() ? error : failure_;
        if (end_.code != 1006)
            end_.error.what =
                endpoint().host + " closed the connection with code " + std::to_string(end_.code);
        const WebSocketEnd end = std::move(end_);
        receiver_->websocket_ended(end);
    }

    WebSocketRequest request_;
    WebSocketReceiver* receiver_;
    std::deque<std::pair<Kind, std::string>> waiting_;
    size_t unsent_ = 0;
    std::string message_;
    int close_code_ = 0;  // 0: not asked to close
    std::string close_reason_;
    bool close_sent_ = false;
    Loop::Registration close_deadline_;
    WebSocketEnd end_;
    Error failure_;
    bool was_open_ = false;
};

}  // namespace

// Made with the first connection: a process that opens none pays nothing.
struct WebSocketClient::State {
    explicit State(UvLoop& loop, ClientContext& client) : context(loop, client) {}
    LwsContext context;
};

WebSocketClient::WebSocketClient(UvLoop& loop, ClientContext& client)
    : loop_(loop), client_(client) {}

WebSocketClient::~WebSocketClient() = default;

std::unique_ptr<WebSocket> WebSocketClient::open(WebSocketRequest request,
                                                 WebSocketReceiver& receiver) {
    const Result<Endpoint> endpoint = parse_endpoint(request.url);
    Done usable = client_.check();
    if (!state_) state_ = std::make_unique<State>(loop_, client_);
    if (usable && !state_->context.is_usable())
        usable = Error{Fault::system,
                       "libwebsockets cannot start; is libwebsockets-evlib-uv installed?"};
    if (!endpoint) usable = endpoint.error();
    auto socket = std::make_unique<Socket>(state_->context, endpoint ? *endpoint : Endpoint(),
                                           std::move(request), receiver);
    usable ? socket->start() : socket->fail_later(usable.error());
    return socket;
}
