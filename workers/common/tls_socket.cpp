#include "workers/common/tls_socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace {

// While more addresses are left, so long for one of them.
constexpr std::chrono::milliseconds attempt_timeout{4'000};
constexpr size_t read_size = 16 * 1024;
constexpr unsigned char http_1_1[] = "\x08http/1.1";

bool is_address(const std::string& host) {
    unsigned char bytes[sizeof(in6_addr)];
    return inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

// A descriptor that is connecting; none with errno set when it failed at once.
Fd begin_connect(const std::string& address, uint16_t port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    errno = EINVAL;
    if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return {};
    Fd made(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    if (made) setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (made && ::connect(made.get(), found->ai_addr, found->ai_addrlen) != 0 &&
        errno != EINPROGRESS) {
        const int fault = errno;
        made.reset();
        errno = fault;
    }
    freeaddrinfo(found);
    return made;
}

std::string tls_fault(SSL* tls) {
    const long verdict = SSL_get_verify_result(tls);
    if (verdict != X509_V_OK)
        return std::string("its certificate is not trusted: ") +
               X509_verify_cert_error_string(verdict);
    const char* reason = ERR_reason_error_string(ERR_peek_last_error());
    return std::string("TLS: ") + (reason ? reason : "the connection ended");
}

}  // namespace

TlsSocket::TlsSocket(ClientContext& context, Endpoint endpoint)
    : context_(context), endpoint_(std::move(endpoint)) {}

TlsSocket::~TlsSocket() {
    *alive_ = false;
    cut();
}

void TlsSocket::drop() {
    watch_.reset();
    attempt_.reset();
    tls_.reset();
    socket_.reset();
    unsent_.clear();
    wants_to_write_ = tls_wants_to_write_ = false;
}

void TlsSocket::cut() {
    drop();
    lookup_.reset();
    deadline_.reset();
    addresses_.clear();
    stage_ = Stage::idle;
}

void TlsSocket::connect(std::chrono::milliseconds timeout) {
    timeout_ = timeout;
    stage_ = Stage::looking_up;
    deadline_ = context_.loop().after(timeout, [this] {
        cut();
        ended({Fault::timed_out, "no connection to " + endpoint_.host + " within " +
                                     std::to_string(timeout_.count()) + " ms"});
    });
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

void TlsSocket::try_next() {
    const std::string address = std::move(addresses_.back());
    addresses_.pop_back();
    stage_ = Stage::connecting;
    socket_ = begin_connect(address, endpoint_.port);
    if (!socket_) {
        const std::string why = std::strerror(errno);
        // Later: this may be within a call that goes on.
        attempt_ = context_.loop().after(std::chrono::milliseconds(0),
                                         [this, why] { attempt_failed(why); });
        return;
    }
    if (!addresses_.empty())
        attempt_ = context_.loop().after(attempt_timeout, [this] { attempt_failed("no answer"); });
    watch_ = context_.loop().watch(socket_.get(), Loop::writable,
                                   [this](unsigned events) { ready(events); });
}

void TlsSocket::attempt_failed(const std::string& why) {
    drop();
    if (!addresses_.empty()) return try_next();
    cut();
    ended({Fault::unreachable, "no connection to " + endpoint_.host + ": " + why});
}

void TlsSocket::ready(unsigned events) {
    switch (stage_) {
        case Stage::connecting:
            return connected();
        case Stage::shaking_hands:
            return shake_hands();
        case Stage::open:
            return serve(events);
        default:
            return;
    }
}

void TlsSocket::connected() {
    int fault = 0;
    socklen_t size = sizeof fault;
    getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &fault, &size);
    if (fault != 0) return attempt_failed(std::strerror(fault));
    if (!endpoint_.is_tls()) return now_open();
    SSL_CTX* trust = context_.tls();
    if (trust) tls_.reset(SSL_new(trust));
    if (!tls_) return attempt_failed("TLS cannot start");
    SSL_set_fd(tls_.get(), socket_.get());
    SSL_set_alpn_protos(tls_.get(), http_1_1, sizeof http_1_1 - 1);
    if (is_address(endpoint_.host)) {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_.get()), endpoint_.host.c_str());
    } else {
        SSL_set1_host(tls_.get(), endpoint_.host.c_str());
        SSL_set_tlsext_host_name(tls_.get(), endpoint_.host.c_str());
    }
    stage_ = Stage::shaking_hands;
    shake_hands();
}

void TlsSocket::shake_hands() {
    ERR_clear_error();
    const int outcome = SSL_connect(tls_.get());
    if (outcome == 1) return now_open();
    switch (SSL_get_error(tls_.get(), outcome)) {
        case SSL_ERROR_WANT_READ:
            return context_.loop().rewatch(socket_.get(), Loop::readable);
        case SSL_ERROR_WANT_WRITE:
            return context_.loop().rewatch(socket_.get(), Loop::writable);
        default:
            return attempt_failed(tls_fault(tls_.get()));
    }
}

void TlsSocket::now_open() {
    deadline_.reset();
    attempt_.reset();
    addresses_.clear();
    stage_ = Stage::open;
    watch_for_more();
    opened();
}

void TlsSocket::watch_for_more() {
    const bool writes = wants_to_write_ || !unsent_.empty() || tls_wants_to_write_;
    context_.loop().rewatch(socket_.get(), Loop::readable | (writes ? Loop::writable : 0));
}

void TlsSocket::want_to_write() {
    wants_to_write_ = true;
    if (is_open()) watch_for_more();
}

void TlsSocket::write(std::string bytes) {
    unsent_ += bytes;
    want_to_write();
}

void TlsSocket::broke(const std::string& why) {
    cut();
    ended({Fault::unreachable, endpoint_.host + " ended the connection" + why});
}

void TlsSocket::serve(unsigned) {
    const std::shared_ptr<bool> alive = alive_;
    if (!flush()) return broke({});
    if (!read_all(alive)) return;
    if (wants_to_write_ && unsent_.empty()) {
        wants_to_write_ = false;
        ready_to_write();
        if (!*alive || !is_open()) return;
        // At once: waiting for the next turn would cost each piece of a file one.
        if (!flush()) return broke({});
    }
    watch_for_more();
}

// False: the connection is gone.
bool TlsSocket::flush() {
    while (!unsent_.empty()) {
        ssize_t count = 0;
        tls_wants_to_write_ = false;
        if (tls_) {
            ERR_clear_error();
            count = SSL_write(tls_.get(), unsent_.data(), static_cast<int>(unsent_.size()));
            if (count <= 0) {
                const int fault = SSL_get_error(tls_.get(), static_cast<int>(count));
                tls_wants_to_write_ = fault == SSL_ERROR_WANT_WRITE;
                return fault == SSL_ERROR_WANT_READ || fault == SSL_ERROR_WANT_WRITE;
            }
        } else {
            count = ::send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
            if (count < 0) return errno == EAGAIN || errno == EINTR;
        }
        unsent_.erase(0, static_cast<size_t>(count));
    }
    return true;
}

// Until nothing more is there: what OpenSSL has read ahead wakes no loop. False: stop at once.
bool TlsSocket::read_all(const std::shared_ptr<bool>& alive) {
    std::string buffer(read_size, '\0');
    for (;;) {
        ssize_t count = 0;
        bool is_over = false;
        if (tls_) {
            ERR_clear_error();
            count = SSL_read(tls_.get(), buffer.data(), static_cast<int>(buffer.size()));
            const int fault = count > 0 ? 0 : SSL_get_error(tls_.get(), static_cast<int>(count));
            is_over = fault != 0 && fault != SSL_ERROR_WANT_READ && fault != SSL_ERROR_WANT_WRITE;
        } else {
            count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            is_over = count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR);
        }
        if (is_over) {
            broke({});
            return false;
        }
        if (count <= 0) return true;
        received(std::string_view(buffer).substr(0, static_cast<size_t>(count)));
        if (!*alive || !is_open()) return false;
    }
}
