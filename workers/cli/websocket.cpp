#include "workers/cli/websocket.h"

#include <libwebsockets.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <optional>

namespace cli {

namespace {

// How a failure of the connection is recognised by libwebsockets' text for it.
struct Diagnosis {
    const char* part;
    Fault fault;
    const char* meaning;
};
constexpr Diagnosis diagnoses[] = {
    // the text contains, so it is, which means
    {"HS:", Fault::bad_message, "what answers there is no gateway"},
    {"cert", Fault::bad_credentials, "its TLS certificate is not trusted"},
    {"hostname", Fault::bad_credentials, "its TLS certificate is for another host"},
    {"SSL", Fault::bad_credentials, "no TLS connection is possible"},
    {"tls", Fault::bad_credentials, "no TLS connection is possible"},
    {"closed before", Fault::unreachable, "it closed the connection at once"},
    {"", Fault::unreachable, "no gateway answers"},
};

const Diagnosis& diagnose(const std::string& text) {
    return *std::find_if(std::begin(diagnoses), std::end(diagnoses), [&](const Diagnosis& row) {
        return text.find(row.part) != std::string::npos;
    });
}

class Connection : public WebSocket {
  public:
    explicit Connection(const Url& url)
        : url_(url), peer_((url.tls ? "wss://" : "ws://") + url.authority()) {}
    ~Connection() override {
        if (context_) lws_context_destroy(context_);
    }

    Done open(Deadline deadline) {
        lws_set_log_level(0, nullptr);
        if (!make_context()) return Error{Fault::system, "cannot prepare a connection"};
        lws_client_connect_info info{};
        info.context = context_;
        info.address = url_.host.c_str();
        info.port = std::atoi(url_.port.c_str());
        info.path = url_.path.c_str();
        const std::string authority = url_.authority();
        info.host = authority.c_str();
        info.ssl_connection = url_.tls ? LCCSCF_USE_SSL : 0;
        info.local_protocol_name = protocols[0].name;
        info.alpn = "http/1.1";
        info.pwsi = &socket_;
        info.userdata = this;
        if (!lws_client_connect_via_info(&info) && !failure_) fail(Fault::unreachable, "");
        return wait_until(deadline, [&] { return established_; });
    }

    Done send(const std::string& text, Deadline deadline) override {
        output_.assign(LWS_PRE, '\0');
        output_ += text;
        if (socket_) lws_callback_on_writable(socket_);
        return wait_until(deadline, [&] { return output_.empty(); });
    }

    Result<std::string> receive(Deadline deadline) override {
        if (Done got = wait_until(deadline, [&] { return !received_.empty(); }); !got)
            return got.error();
        std::string text = std::move(received_.front());
        received_.pop_front();
        return text;
    }

    void close(Deadline deadline) override {
        if (!socket_ || !established_) return;
        closing_ = true;
        lws_callback_on_writable(socket_);
        (void)wait_until(deadline, [&] { return !socket_; });
    }

  private:
    static int on_event(lws* socket, lws_callback_reasons reason, void* user, void* in,
                        size_t size) {
        auto* self = static_cast<Connection*>(user);
        return self ? self->handle(socket, reason, static_cast<char*>(in), size) : 0;
    }
    static constexpr lws_protocols protocols[] = {
        {"hardshell-client", on_event, 0, 65536, 0, nullptr, 0},
        {nullptr, nullptr, 0, 0, 0, nullptr, 0},
    };

    bool make_context() {
        lws_context_creation_info info{};
        info.port = CONTEXT_PORT_NO_LISTEN;
        info.protocols = protocols;
        info.fd_limit_per_thread = 8;
        info.gid = static_cast<gid_t>(-1);
        info.uid = static_cast<uid_t>(-1);
        // Certificates come from the hashed directory: the bundle costs 20 ms.
        if (url_.tls) info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        context_ = lws_create_context(&info);
        return context_ != nullptr;
    }

    // A row per event; what is not listed needs no answer.
    int handle(lws* socket, lws_callback_reasons reason, const char* in, size_t size) {
        switch (reason) {
            case LWS_CALLBACK_CLIENT_ESTABLISHED:
                established_ = true;
                return 0;
            case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
                return on_no_connection(in ? std::string(in, size) : std::string());
            case LWS_CALLBACK_CLIENT_RECEIVE:
                return on_part(socket, in, size);
            case LWS_CALLBACK_CLIENT_WRITEABLE:
                return on_writable(socket);
            case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
                return on_goodbye(in, size);
            case LWS_CALLBACK_CLIENT_CLOSED:
                socket_ = nullptr;
                fail(Fault::unreachable, "the connection to " + peer_ + " is lost");
                return 0;
            default:
                return 0;
        }
    }

    int on_no_connection(const std::string& text) {
        socket_ = nullptr;
        const Diagnosis& found = diagnose(text);
        fail(found.fault,
             std::string(found.meaning) + " at " + peer_ + (text.empty() ? "" : " (" + text + ")"));
        return 0;
    }

    int on_part(lws* socket, const char* in, size_t size) {
        part_.append(in, size);
        if (part_.size() > largest_message) {
            fail(Fault::bad_message, "the gateway sent a message that is too large");
            return -1;
        }
        if (lws_is_final_fragment(socket) && lws_remaining_packet_payload(socket) == 0) {
            received_.push_back(std::move(part_));
            part_.clear();
        }
        return 0;
    }

    int on_writable(lws* socket) {
        if (closing_) {
            lws_close_reason(socket, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
            return -1;
        }
        if (output_.empty()) return 0;
        const size_t size = output_.size() - LWS_PRE;
        auto* const text = reinterpret_cast<unsigned char*>(output_.data()) + LWS_PRE;
        const int sent = lws_write(socket, text, size, LWS_WRITE_TEXT);
        output_.clear();
        return sent < 0 ? -1 : 0;
    }

    // The reason, if there is one: libwebsockets hands over 1012, the code of a restart, as 1002.
    int on_goodbye(const char* in, size_t size) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(in);
        std::string why = "no reason given";
        if (size > 2)
            why = std::string(in + 2, size - 2);
        else if (size == 2)
            why = "code " + std::to_string(bytes[0] << 8 | bytes[1]);
        fail(Fault::unreachable, "the gateway closed the connection (" + why + ")");
        return 0;
    }

    // The first failure is the cause; what follows from it says less.
    void fail(Fault fault, const std::string& what) {
        if (!failure_)
            failure_ = Error{fault, what.empty() ? "no gateway answers at " + peer_ : what};
    }

    // What has arrived counts even when the connection has ended since.
    template <typename Condition>
    Done wait_until(Deadline deadline, Condition condition) {
        while (!condition()) {
            if (failure_) return *failure_;
            const auto left = deadline - std::chrono::steady_clock::now();
            if (left <= left.zero()) {
                fail(Fault::timed_out, peer_ + " did not answer in time");
                return *failure_;
            }
            const auto wake = std::chrono::duration_cast<std::chrono::microseconds>(left);
            lws_sul_schedule(
                context_, 0, &timer_, [](lws_sorted_usec_list_t*) {}, wake.count() + 1);
            if (lws_service(context_, 0) < 0) fail(Fault::system, "the connection broke down");
            lws_sul_cancel(&timer_);
        }
        return {};
    }

    Url url_;
    std::string peer_;
    lws_context* context_ = nullptr;
    lws* socket_ = nullptr;
    lws_sorted_usec_list_t timer_{};
    bool established_ = false;
    bool closing_ = false;
    std::string output_;  // LWS_PRE bytes of room, then the text
    std::string part_;
    std::deque<std::string> received_;
    std::optional<Error> failure_;
};

struct Scheme {
    const char* prefix;
    bool tls;
    const char* port;
};
constexpr Scheme schemes[] = {
    {"ws://", false, "80"},
    {"wss://", true, "443"},
    {"http://", false, "80"},
    {"https://", true, "443"},
};

}  // namespace

std::string Url::authority() const {
    const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return shown + ":" + port;
}

Result<Url> parse_url(const std::string& text) {
    const Error refused{Fault::bad_message, "\"" + text +
                                                "\" is no address of a gateway; it looks like "
                                                "ws://127.0.0.1:18789 or wss://my-app.fly.dev"};
    for (const Scheme& scheme : schemes) {
        if (!text.starts_with(scheme.prefix)) continue;
        const std::string rest = text.substr(std::string(scheme.prefix).size());
        const size_t end = std::min(rest.find_first_of("/?#"), rest.size());
        std::string authority = rest.substr(0, end);
        Url url{scheme.tls, "", scheme.port, "/"};
        if (end < rest.size() && rest[end] == '/')
            url.path = rest.substr(end, rest.find('#') - end);
        const size_t bracket = authority.find(']');
        const size_t colon = authority.find(':', bracket == std::string::npos ? 0 : bracket);
        if (colon != std::string::npos) {
            url.port = authority.substr(colon + 1);
            authority.resize(colon);
        }
        if (authority.starts_with("[") && authority.ends_with("]"))
            authority = authority.substr(1, authority.size() - 2);
        url.host = authority;
        const bool clean = url.host.find_first_of("@[] \t\r\n") == std::string::npos &&
                           url.path.find_first_of(" \t\r\n") == std::string::npos;
        const bool digits = !url.port.empty() && url.port.size() <= 5 &&
                            url.port.find_first_not_of("0123456789") == std::string::npos;
        if (url.host.empty() || !clean || !digits) return refused;
        return url;
    }
    return refused;
}

Result<std::unique_ptr<WebSocket>> WebSocket::connect(const Url& url, Deadline deadline) {
    auto connection = std::make_unique<Connection>(url);
    if (Done done = connection->open(deadline); !done) return done.error();
    return std::unique_ptr<WebSocket>(std::move(connection));
}

}  // namespace cli
