#include "workers/common/http_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <map>
#include <unordered_map>

#include "workers/common/base/clock.h"
#include "workers/common/curl_library.h"

// The option macros of the header expand to a call of a function; ours are pointers.
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

namespace {

using std::chrono::milliseconds;

// More header bytes than any server of good faith sends.
constexpr size_t largest_head = 64 * 1024;
constexpr const char* user_agent = "hardshell/" HARDSHELL_VERSION;

std::string in_seconds(milliseconds time) {
    if (time.count() % 1000 == 0) return std::to_string(time.count() / 1000) + " s";
    return std::to_string(time.count()) + " ms";
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return result;
}

std::string_view trimmed(std::string_view text) {
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

struct CurlFault {
    CURLcode code;
    Fault fault;
    const char* text;  // followed by the host's name
};

// What libcurl reports, in words. Anything else: "the request to HOST failed: …".
constexpr CurlFault curl_faults[] = {
    {CURLE_COULDNT_RESOLVE_HOST, Fault::unreachable, "cannot find the address of "},
    {CURLE_COULDNT_RESOLVE_PROXY, Fault::unreachable, "cannot find the address of the proxy for "},
    {CURLE_COULDNT_CONNECT, Fault::unreachable, "cannot connect to "},
    {CURLE_PEER_FAILED_VERIFICATION, Fault::unreachable, "no trusted certificate was shown by "},
    {CURLE_SSL_CONNECT_ERROR, Fault::unreachable, "no TLS connection came about with "},
    {CURLE_GOT_NOTHING, Fault::unreachable, "the connection was closed without an answer by "},
    {CURLE_PARTIAL_FILE, Fault::unreachable, "the answer was broken off by "},
    {CURLE_RECV_ERROR, Fault::unreachable, "the connection was lost while reading from "},
    {CURLE_SEND_ERROR, Fault::unreachable, "the connection was lost while writing to "},
    {CURLE_HTTP2, Fault::unreachable, "the connection was broken off by "},
    {CURLE_HTTP2_STREAM, Fault::unreachable, "the answer was broken off by "},
    {CURLE_UNSUPPORTED_PROTOCOL, Fault::bad_config, "only http and https are supported, not for "},
    {CURLE_URL_MALFORMAT, Fault::bad_config, "this is no URL that can be called: "},
    {CURLE_SSL_CACERT_BADFILE, Fault::bad_config,
     "the file of additional certificate authorities cannot be read; it must be a PEM file that "
     "this worker's own user can read (chmod a+r), needed for "},
};

}  // namespace

std::string_view HttpHead::header(std::string_view name) const {
    for (const auto& [known, value] : headers)
        if (known == name) return value;
    return {};
}

std::string host_of_url(std::string_view url) {
    if (const size_t scheme = url.find("://"); scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    url = url.substr(0, url.find_first_of("/?#"));
    if (const size_t user = url.rfind('@'); user != std::string_view::npos)
        url.remove_prefix(user + 1);
    if (!url.empty() && url.front() == '[') return std::string(url.substr(0, url.find(']') + 1));
    return std::string(url.substr(0, url.find(':')));
}

struct HttpClient::State : std::enable_shared_from_this<HttpClient::State> {
    // One request. libcurl's callbacks only fill it; the receiver is called after libcurl returned,
    // so that it may do anything, the destruction of everything included.
    struct Transfer {
        State* owner = nullptr;
        uint64_t id = 0;
        HttpRequest request;
        HttpReceiver* receiver = nullptr;
        std::string host;
        CURL* easy = nullptr;
        curl_slist* headers = nullptr;
        char curl_error[CURL_ERROR_SIZE] = {};

        HttpHead head;
        size_t head_bytes = 0;
        bool head_complete = false;
        bool head_delivered = false;
        std::string pending;  // body bytes that the receiver has not seen
        size_t body_bytes = 0;
        bool too_large = false;
        bool refused = false;  // an address of the host, by may_connect
        bool tried = false;    // another one
        bool over = false;
        Done outcome;
        int64_t last_byte_ms = 0;
        Loop::Registration idle_timer;
        Loop::Registration total_timer;
    };

    State(Loop& loop_, Options options_) : loop(loop_), options(std::move(options_)) {}

    ~State() { shut_down(); }

    void shut_down() {
        for (auto& [id, transfer] : transfers) release(*transfer);
        transfers.clear();
        if (multi) curl->multi_cleanup(multi);
        multi = nullptr;
        timer.reset();
        watches.clear();
    }

    Done prepare() {
        if (multi) return {};
        Result<const CurlLibrary*> library = curl_library();
        if (!library) return library.error();
        curl = *library;
        multi = curl->multi_init();
        if (!multi) return Error{Fault::out_of_memory, "out of memory"};
        curl->multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &State::on_socket);
        curl->multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
        curl->multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &State::on_timer);
        curl->multi_setopt(multi, CURLMOPT_TIMERDATA, this);
        curl->multi_setopt(multi, CURLMOPT_MAXCONNECTS, 8L);
        return {};
    }

    uint64_t start(HttpRequest request, HttpReceiver& receiver) {
        const uint64_t id = next_id++;
        auto& transfer = *(transfers[id] = std::make_unique<Transfer>());
        transfer.owner = this;
        transfer.id = id;
        transfer.request = std::move(request);
        transfer.receiver = &receiver;
        transfer.host = host_of_url(transfer.request.url);
        transfer.last_byte_ms = monotonic_ms();
        const Done begun = begin(transfer);
        if (!begun) finish_later(transfer, begun.error());
        return id;
    }

    Done begin(Transfer& transfer) {
        if (const Done prepared = prepare(); !prepared) return prepared;
        transfer.easy = curl->easy_init();
        if (!transfer.easy) return Error{Fault::out_of_memory, "out of memory"};
        set_options(transfer);
        set_timers(transfer);
        // Runs nothing yet: it asks for a timer of 0 ms through on_timer.
        if (curl->multi_add_handle(multi, transfer.easy) != CURLM_OK)
            return Error{Fault::system, "the request to " + transfer.host + " cannot be started"};
        return {};
    }

    void set_options(Transfer& transfer) {
        const auto set = [&](CURLoption option, auto value) {
            curl->easy_setopt(transfer.easy, option, value);
        };
        const HttpRequest& request = transfer.request;
        for (const std::string& header : request.headers)
            transfer.headers = curl->slist_append(transfer.headers, header.c_str());
        // No waiting for "100 Continue" before a large body.
        transfer.headers = curl->slist_append(transfer.headers, "Expect:");
        set(CURLOPT_URL, request.url.c_str());
        set(CURLOPT_HTTPHEADER, transfer.headers);
        set(CURLOPT_USERAGENT, user_agent);
        set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
        if (!request.body.empty() || request.method == "POST") {
            set(CURLOPT_POSTFIELDS, request.body.c_str());
            set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        }
        set(CURLOPT_PROTOCOLS_STR, "http,https");
        set(CURLOPT_FOLLOWLOCATION, 0L);
        set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
        set(CURLOPT_NOSIGNAL, 1L);
        set(CURLOPT_TCP_NODELAY, 1L);
        set(CURLOPT_TCP_KEEPALIVE, 1L);
        set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
        set_trust(transfer);
        set(CURLOPT_ERRORBUFFER, transfer.curl_error);
        set(CURLOPT_PRIVATE, &transfer);
        set(CURLOPT_HEADERFUNCTION, &State::on_header);
        set(CURLOPT_HEADERDATA, &transfer);
        set(CURLOPT_WRITEFUNCTION, &State::on_body);
        set(CURLOPT_WRITEDATA, &transfer);
        if (options.may_connect) {
            set(CURLOPT_PROXY, "");
            set(CURLOPT_OPENSOCKETFUNCTION, &State::on_open_socket);
            set(CURLOPT_OPENSOCKETDATA, &transfer);
        }
        set(CURLOPT_CLOSESOCKETFUNCTION, &State::on_close_socket);
        set(CURLOPT_CLOSESOCKETDATA, this);
    }

    void set_trust(Transfer& transfer) {
        const auto set = [&](CURLoption option, const char* value) {
            curl->easy_setopt(transfer.easy, option, value);
        };
        const char* file =
            options.certificate_file.empty() ? nullptr : options.certificate_file.c_str();
        curl->easy_setopt(transfer.easy, CURLOPT_SSL_VERIFYPEER, 1L);
        curl->easy_setopt(transfer.easy, CURLOPT_SSL_VERIFYHOST, 2L);
        set(CURLOPT_CAPATH, options.certificate_directory.c_str());
        set(CURLOPT_CAINFO, file);
        set(CURLOPT_PROXY_CAPATH, options.certificate_directory.c_str());
        set(CURLOPT_PROXY_CAINFO, file);
    }

    void set_timers(Transfer& transfer) {
        const uint64_t id = transfer.id;
        if (transfer.request.total_timeout.count() > 0)
            transfer.total_timer = loop.after(transfer.request.total_timeout, [this, id] {
                time_out(id, " did not finish its answer within ", &HttpRequest::total_timeout);
            });
        arm_idle_timer(transfer, transfer.request.idle_timeout);
    }

    // Armed once per silence, not once per chunk: when it fires it looks at the last byte's time.
    void arm_idle_timer(Transfer& transfer, milliseconds delay) {
        if (transfer.request.idle_timeout.count() <= 0) return;
        const uint64_t id = transfer.id;
        transfer.idle_timer = loop.after(delay, [this, id] { check_idle(id); });
    }

    void check_idle(uint64_t id) {
        const auto found = transfers.find(id);
        if (found == transfers.end()) return;
        const milliseconds silent(monotonic_ms() - found->second->last_byte_ms);
        const milliseconds left = found->second->request.idle_timeout - silent;
        if (left.count() > 0) return arm_idle_timer(*found->second, left);
        time_out(id, " sent nothing for ", &HttpRequest::idle_timeout);
    }

    void time_out(uint64_t id, const char* what, milliseconds HttpRequest::*limit) {
        const auto found = transfers.find(id);
        if (found == transfers.end() || found->second->over) return;
        Transfer& transfer = *found->second;
        release(transfer);
        transfer.over = true;
        transfer.outcome =
            Error{Fault::timed_out, transfer.host + what + in_seconds(transfer.request.*limit)};
        deliver(shared_from_this(), id);
    }

    void finish_later(Transfer& transfer, const Error& error) {
        transfer.over = true;
        transfer.outcome = error;
        loop.soon([weak = weak_from_this(), id = transfer.id] {
            if (const auto self = weak.lock()) deliver(self, id);
        });
    }

    // Takes the transfer out of libcurl: its connection closes unless the answer is complete.
    void release(Transfer& transfer) {
        transfer.idle_timer.reset();
        transfer.total_timer.reset();
        if (transfer.easy) {
            curl->multi_remove_handle(multi, transfer.easy);
            curl->easy_cleanup(transfer.easy);
            transfer.easy = nullptr;
        }
        if (transfer.headers) curl->slist_free_all(transfer.headers);
        transfer.headers = nullptr;
    }

    void cancel(uint64_t id) {
        const auto found = transfers.find(id);
        if (found == transfers.end()) return;
        const std::unique_ptr<Transfer> transfer = std::move(found->second);
        transfers.erase(found);
        release(*transfer);
    }

    void act(curl_socket_t socket, int events) {
        const std::shared_ptr<State> self = shared_from_this();
        int running = 0;
        curl->multi_socket_action(multi, socket, events, &running);
        collect_finished();
        std::vector<uint64_t> ready;
        ready.swap(dirty);
        for (const uint64_t id : ready) deliver(self, id);
    }

    void collect_finished() {
        int left = 0;
        while (CURLMsg* message = curl->multi_info_read(multi, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode code = message->data.result;
            Transfer* transfer = nullptr;
            curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            transfer->over = true;
            if (code != CURLE_OK) transfer->outcome = describe(*curl, *transfer, code);
            release(*transfer);
            dirty.push_back(transfer->id);
        }
    }

    // Tells the receiver what is new. After each call everything may be gone but `self`.
    static void deliver(const std::shared_ptr<State>& self, uint64_t id) {
        const auto find = [&]() -> Transfer* {
            const auto found = self->transfers.find(id);
            return found == self->transfers.end() ? nullptr : found->second.get();
        };
        Transfer* transfer = find();
        if (transfer && transfer->head_complete && !transfer->head_delivered) {
            transfer->head_delivered = true;
            const HttpHead head = transfer->head;
            transfer->receiver->http_head(head);
            transfer = find();
        }
        if (transfer && !transfer->pending.empty()) {
            const std::string bytes = std::move(transfer->pending);
            transfer->pending.clear();
            transfer->receiver->http_body(bytes);
            transfer = find();
        }
        if (transfer && transfer->over) {
            const std::unique_ptr<Transfer> ended = std::move(self->transfers[id]);
            self->transfers.erase(id);
            ended->receiver->http_ended(ended->outcome);
        }
    }

    // --- called by libcurl -----------------------------------------------------------------

    static int on_socket(CURL*, curl_socket_t socket, int what, void* self_pointer, void*) {
        State& self = *static_cast<State*>(self_pointer);
        if (what == CURL_POLL_REMOVE) {
            self.watches.erase(socket);
            return 0;
        }
        const unsigned events = ((what & CURL_POLL_IN) ? Loop::readable : 0u) |
                                ((what & CURL_POLL_OUT) ? Loop::writable : 0u);
        const auto found = self.watches.find(socket);
        if (found != self.watches.end()) {
            self.loop.rewatch(socket, events);
            return 0;
        }
        self.watches[socket] = self.loop.watch(socket, events, [&self, socket](unsigned ready) {
            self.act(socket, ((ready & Loop::readable) ? CURL_CSELECT_IN : 0) |
                                 ((ready & Loop::writable) ? CURL_CSELECT_OUT : 0));
        });
        return 0;
    }

    // The address is the one that is connected to: a name that is resolved again, to another one,
    // is asked for again.
    static curl_socket_t on_open_socket(void* pointer, curlsocktype, curl_sockaddr* address) {
        Transfer& transfer = *static_cast<Transfer*>(pointer);
        if (!transfer.owner->options.may_connect(address->addr)) {
            transfer.refused = true;
            return CURL_SOCKET_BAD;
        }
        transfer.tried = true;
        return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    }

    // A socket may be closed without a word to on_socket; its number is soon used again.
    static int on_close_socket(void* self_pointer, curl_socket_t socket) {
        static_cast<State*>(self_pointer)->watches.erase(socket);
        return ::close(socket);
    }

    static int on_timer(CURLM*, long timeout_ms, void* self_pointer) {
        State& self = *static_cast<State*>(self_pointer);
        if (timeout_ms < 0)
            self.timer.reset();
        else
            self.timer = self.loop.after(milliseconds(timeout_ms),
                                         [&self] { self.act(CURL_SOCKET_TIMEOUT, 0); });
        return 0;
    }

    static size_t on_header(char* data, size_t size, size_t count, void* transfer_pointer) {
        Transfer& transfer = *static_cast<Transfer*>(transfer_pointer);
        const std::string_view line(data, size * count);
        transfer.last_byte_ms = monotonic_ms();
        transfer.head_bytes += line.size();
        if (transfer.head_bytes > largest_head) {
            transfer.too_large = true;
            return 0;
        }
        take_header_line(transfer, line);
        if (trimmed(line).empty()) head_ended(transfer);
        return line.size();
    }

    static void head_ended(Transfer& transfer) {
        long status = 0;
        State& self = *transfer.owner;
        self.curl->easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
        if (status < 200) return;  // another head follows
        transfer.head.status = static_cast<int>(status);
        transfer.head_complete = true;
        self.dirty.push_back(transfer.id);
    }

    static size_t on_body(char* data, size_t size, size_t count, void* transfer_pointer) {
        Transfer& transfer = *static_cast<Transfer*>(transfer_pointer);
        const size_t bytes = size * count;
        transfer.last_byte_ms = monotonic_ms();
        transfer.body_bytes += bytes;
        if (transfer.body_bytes > transfer.request.largest_response) {
            transfer.too_large = true;
            return bytes + 1;  // anything else than `bytes` ends the transfer
        }
        if (transfer.pending.empty()) transfer.owner->dirty.push_back(transfer.id);
        transfer.pending.append(data, bytes);
        return bytes;
    }

    static void take_header_line(Transfer& transfer, std::string_view line) {
        if (line.starts_with("HTTP/")) {  // again after a 1xx answer
            transfer.head = {};
            return;
        }
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) return;
        transfer.head.headers.emplace_back(lower(trimmed(line.substr(0, colon))),
                                           std::string(trimmed(line.substr(colon + 1))));
    }

    static Error describe(const CurlLibrary& curl, const Transfer& transfer, CURLcode code) {
        if (transfer.too_large)
            return {Fault::out_of_room, "the answer of " + transfer.host + " is larger than " +
                                            std::to_string(transfer.request.largest_response) +
                                            " bytes"};
        if (transfer.refused && !transfer.tried)
            return {Fault::bad_message,
                    "cannot connect to " + transfer.host + ": its address is not allowed"};
        if (code == CURLE_OPERATION_TIMEDOUT)  // the only timeout left to libcurl
            return {Fault::timed_out, "cannot connect to " + transfer.host + " within " +
                                          in_seconds(transfer.request.connect_timeout)};
        const std::string detail =
            transfer.curl_error[0] ? transfer.curl_error : curl.easy_strerror(code);
        for (const CurlFault& row : curl_faults)
            if (row.code == code)
                return {row.fault, row.text + transfer.host + " (" + detail + ")"};
        return {Fault::unreachable, "the request to " + transfer.host + " failed (" + detail + ")"};
    }

    Loop& loop;
    Options options;
    const CurlLibrary* curl = nullptr;
    CURLM* multi = nullptr;
    Loop::Registration timer;
    std::unordered_map<curl_socket_t, Loop::Registration> watches;
    std::map<uint64_t, std::unique_ptr<Transfer>> transfers;
    std::vector<uint64_t> dirty;  // have something for their receiver
    uint64_t next_id = 1;
};

namespace {

class Call final : public HttpCall {
  public:
    explicit Call(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
    ~Call() override { cancel_(); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

  private:
    std::function<void()> cancel_;
};

}  // namespace

HttpClient::HttpClient(Loop& loop, Options options)
    : state_(std::make_shared<State>(loop, std::move(options))) {}

HttpClient::~HttpClient() {
    state_->shut_down();
}

std::unique_ptr<HttpCall> HttpClient::start(HttpRequest request, HttpReceiver& receiver) {
    const uint64_t id = state_->start(std::move(request), receiver);
    return std::make_unique<Call>([weak = std::weak_ptr<State>(state_), id] {
        if (const auto state = weak.lock()) state->cancel(id);
    });
}
