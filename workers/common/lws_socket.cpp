#include "workers/common/lws_socket.h"

#include <dlfcn.h>

#include <algorithm>

#include "workers/common/log.h"

namespace {

// Messages are put together by us: a small buffer per connection is enough.
constexpr size_t receive_buffer = 2048;
// While more addresses are left, so long for one of them.
constexpr std::chrono::milliseconds attempt_timeout{4'000};
// Our own timers decide; libwebsockets' must only not be earlier.
constexpr unsigned library_timeout_s = 300;
// Of the whole process: descriptors are looked up in a table of that size.
constexpr unsigned most_descriptors = 1024;
constexpr lws_retry_bo_t no_idle_policy = {nullptr, 0, 0, 0, 0, 0};

void log_remark(int, const char* line) {
    std::string_view text = line;
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
    log_debug("libwebsockets: {}", text);
}

}  // namespace

int LwsContext::on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length) {
    // What belongs to no connection of ours carries no socket.
    auto* socket = static_cast<LwsSocket*>(lws_get_opaque_user_data(wsi));
    return socket ? socket->on_event(wsi, reason, in, length) : 0;
}

LwsContext::LwsContext(UvLoop& loop, ClientContext& client) : loop_(loop) {
    static const lws_protocols protocols[] = {
        {"client", LwsContext::on_lws, 0, receive_buffer, 0, nullptr, 0},
        {nullptr, nullptr, 0, 0, 0, nullptr, 0},
    };
    // Libwebsockets lets go of its plugin while handles of it are still being closed.
    dlopen("libwebsockets-evlib_uv.so", RTLD_NOW | RTLD_NODELETE);
    lws_set_log_level(LLL_ERR | LLL_WARN, log_remark);
    void* loops[] = {loop_.native()};
    lws_context_creation_info info{};
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT | LWS_SERVER_OPTION_VALIDATE_UTF8 |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.foreign_loops = loops;
    info.protocols = protocols;
    info.gid = static_cast<gid_t>(-1);
    info.uid = static_cast<uid_t>(-1);
    info.user = this;
    info.max_http_header_data = 8192;
    info.fd_limit_per_thread = most_descriptors;
    info.timeout_secs = library_timeout_s;
    info.retry_and_idle_policy = &no_idle_policy;
    info.pcontext = &context_;
    // One trust for the whole process.
    info.provided_client_ssl_ctx = client.tls();
    context_ = lws_create_context(&info);
    if (!context_) return;
    info.options &= ~static_cast<uint64_t>(LWS_SERVER_OPTION_EXPLICIT_VHOSTS);
    info.vhost_name = "client";
    vhost_ = lws_create_vhost(context_, &info);
}

LwsContext::~LwsContext() {
    // With a loop of ours it takes two calls: the first starts to close the handles, and the last
    // of them to be closed, in settle(), may finish the job and reset the pointer.
    for (int attempt = 0; context_ && attempt < 3; ++attempt) {
        lws_context_destroy(context_);
        loop_.settle();
    }
}

LwsSocket::LwsSocket(LwsContext& context, Endpoint endpoint)
    : context_(context), endpoint_(std::move(endpoint)) {}

LwsSocket::~LwsSocket() {
    cut();
}

void LwsSocket::cut() {
    lookup_.reset();
    deadline_.reset();
    next_attempt_.reset();
    addresses_.clear();
    is_open_ = false;
    drop();
}

// Libwebsockets goes on with its side alone.
void LwsSocket::detach() {
    if (lws* leaving = std::exchange(wsi_, nullptr)) lws_set_opaque_user_data(leaving, nullptr);
}

void LwsSocket::drop() {
    lws* leaving = wsi_;
    detach();
    if (leaving) lws_set_timeout(leaving, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
}

void LwsSocket::connect(std::chrono::milliseconds timeout) {
    timeout_ = timeout;
    deadline_ = context_.loop().after(timeout, [this] { timed_out(); });
    lookup_ = std::make_unique<NameLookup>(context_.loop(), endpoint_.host,
                                           [this](const Result<std::vector<std::string>>& found) {
                                               if (!found) {
                                                   const Error error = found.error();
                                                   cut();
                                                   return ended(error);
                                               }
                                               addresses_.assign(found->rbegin(), found->rend());
                                               lookup_.reset();
                                               try_next();
                                           });
}

void LwsSocket::try_next() {
    const std::string address = std::move(addresses_.back());
    addresses_.pop_back();
    lws_client_connect_info info{};
    info.context = context_.native();
    info.vhost = context_.vhost();
    info.address = address.c_str();
    info.port = endpoint_.port;
    // The name in it is what the certificate is checked for.
    const std::string host = endpoint_.authority();
    info.host = host.c_str();
    info.path = endpoint_.target.c_str();
    info.ssl_connection = endpoint_.is_tls() ? LCCSCF_USE_SSL : 0;
    info.alpn = "http/1.1";
    info.local_protocol_name = "client";
    info.opaque_user_data = this;
    info.retry_and_idle_policy = &no_idle_policy;
    info.pwsi = &wsi_;
    describe(info);
    why_.clear();
    if (!addresses_.empty())
        next_attempt_ = context_.loop().after(attempt_timeout, [this] {
            why_ = "no answer";
            failed();
        });
    // Some failures are told by a callback from within, and some only here.
    if (!lws_client_connect_via_info(&info)) {
        wsi_ = nullptr;
        fail_soon(why_);
    }
}

// Later: this may be within libwebsockets, or within try_next().
void LwsSocket::fail_soon(std::string why) {
    why_ = std::move(why);
    next_attempt_ = context_.loop().after(std::chrono::milliseconds(0), [this] { failed(); });
}

void LwsSocket::failed() {
    drop();
    if (!addresses_.empty() && refusal_status_ == 0) return try_next();
    const std::string why = why_.empty() ? "not reachable" : why_;
    cut();
    ended({Fault::unreachable, "no connection to " + endpoint_.host + ": " + why});
}

void LwsSocket::timed_out() {
    cut();
    ended({Fault::timed_out, "no connection to " + endpoint_.host + " within " +
                                 std::to_string(timeout_.count()) + " ms"});
}

int LwsSocket::on_event(lws* wsi, lws_callback_reasons reason, void* in, size_t length) {
    const std::string_view bytes(static_cast<const char*>(in), in ? length : 0);
    wsi_ = wsi;
    if (reason == LWS_CALLBACK_CLIENT_ESTABLISHED) {
        is_open_ = true;
        deadline_.reset();
        next_attempt_.reset();
        return opened();
    }
    switch (reason) {
        case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
            refusal_status_ = std::max(0, static_cast<int>(lws_http_client_http_response(wsi)));
            detach();
            fail_soon(std::string(bytes));
            return 0;
        case LWS_CALLBACK_CLIENT_CLOSED:
        case LWS_CALLBACK_WSI_DESTROY:
            detach();
            if (!is_open_) {
                fail_soon(std::string());
                return 0;
            }
            cut();
            ended({Fault::unreachable, endpoint_.host + " ended the connection"});
            return 0;
        default:
            return event(reason, bytes);
    }
}
