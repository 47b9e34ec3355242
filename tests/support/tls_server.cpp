#include "tests/support/tls_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

namespace {

void require(bool ok) {
    if (!ok) std::abort();
}

std::string write_pem(const std::string& pem) {
    char path[] = "/tmp/hardshell-authority-XXXXXX";
    const int file = mkstemp(path);
    require(file >= 0 && ::fchmod(file, 0644) == 0);  // workers of other users read it
    require(::write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()));
    ::close(file);
    return path;
}

}  // namespace

TlsStream::TlsStream(int descriptor, SSL_CTX* context)
    : descriptor_(descriptor),
      alarm_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      tls_(SSL_new(context)) {
    require(tls_ != nullptr);
    SSL_set_fd(tls_, descriptor_);
    SSL_set_mode(tls_, SSL_MODE_AUTO_RETRY);
    const timeval patience{20, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

TlsStream::~TlsStream() {
    if (is_open_) SSL_shutdown(tls_);
    SSL_free(tls_);
    ::close(alarm_);
    ::close(descriptor_);
}

bool TlsStream::handshake() {
    is_open_ = SSL_accept(tls_) == 1;
    return is_open_;
}

bool TlsStream::wait(short events, std::chrono::milliseconds patience) {
    pollfd entry{descriptor_, events, 0};
    return poll(&entry, 1, static_cast<int>(patience.count())) > 0;
}

std::string TlsStream::read(size_t most, std::chrono::milliseconds patience) {
    timed_out_ = false;
    std::string bytes = ahead_.substr(0, most);
    ahead_.erase(0, bytes.size());
    if (!bytes.empty()) return bytes;
    if (SSL_pending(tls_) == 0 && !wait(POLLIN, patience)) {
        timed_out_ = true;
        return {};
    }
    bytes.resize(most);
    const int count = SSL_read(tls_, bytes.data(), static_cast<int>(most));
    bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
    if (count <= 0) is_open_ = false;
    return bytes;
}

std::string TlsStream::read_unless_woken(std::chrono::milliseconds patience) {
    if (ahead_.empty() && SSL_pending(tls_) == 0) {
        pollfd entries[] = {{descriptor_, POLLIN, 0}, {alarm_, POLLIN, 0}};
        poll(entries, 2, static_cast<int>(patience.count()));
        eventfd_t rings;
        if (entries[1].revents) eventfd_read(alarm_, &rings);
        timed_out_ = entries[0].revents == 0;
        if (timed_out_) return {};
    }
    return read();
}

void TlsStream::wake() {
    eventfd_write(alarm_, 1);
}

std::string TlsStream::read_until(std::string_view end) {
    std::string bytes;
    while (bytes.find(end) == std::string::npos) {
        const std::string more = read();
        if (more.empty()) return {};
        bytes += more;
    }
    const size_t size = bytes.find(end) + end.size();
    ahead_.insert(0, bytes.substr(size));
    bytes.resize(size);
    return bytes;
}

std::string TlsStream::read_exactly(size_t size) {
    std::string bytes;
    while (bytes.size() < size) {
        const std::string more = read(size - bytes.size());
        if (more.empty()) return {};
        bytes += more;
    }
    return bytes;
}

bool TlsStream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const int count = SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
        if (count <= 0) {
            is_open_ = false;
            return false;
        }
        bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
}

void TlsStream::reset() {
    const linger at_once{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    is_open_ = false;
}

void TlsStream::shut() {
    ::shutdown(descriptor_, SHUT_RDWR);
}

TlsServer::TlsServer(Conversation conversation, uint16_t port)
    : certificate_(make_test_certificate()),
      certificate_file_(write_pem(certificate_.authority_pem)),
      conversation_(std::move(conversation)) {
    signal(SIGPIPE, SIG_IGN);
    listener_ = listen_on(port, port_);
    acceptor_ = std::thread([this] { accept_all(); });
}

TlsServer::~TlsServer() {
    stopped_ = true;
    acceptor_.join();
    cut_all();
    sweep(true);
    ::close(listener_);
    if (other_listener_ >= 0) ::close(other_listener_);
    unlink(certificate_file_.c_str());
}

std::string TlsServer::authority() const {
    return "localhost:" + std::to_string(port_);
}

int TlsServer::listen_on(uint16_t port, uint16_t& chosen) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    require(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    require(listen(listener, 64) == 0);
    socklen_t size = sizeof address;
    require(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    chosen = ntohs(address.sin_port);
    return listener;
}

uint16_t TlsServer::open_another_port() {
    uint16_t chosen = 0;
    other_listener_ = listen_on(0, chosen);
    return chosen;
}

void TlsServer::refuse_connections(bool refuse) {
    refuses_ = refuse;
}

void TlsServer::accept_all() {
    while (!stopped_) {
        pollfd entries[] = {{listener_, POLLIN, 0}, {other_listener_, POLLIN, 0}};
        const bool is_there = poll(entries, 2, 20) > 0;
        sweep(false);
        if (!is_there) continue;
        if (entries[0].revents != 0) accept_one(entries[0].fd, refuses_);
        if (entries[1].revents != 0) accept_one(entries[1].fd, refuses_ || other_refuses_);
    }
}

void TlsServer::accept_one(int listener, bool refuses) {
    const int descriptor = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (refuses) {
        ::close(descriptor);
        return;
    }
    const int on = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const uint64_t number = ++connections_;
    auto made = std::make_unique<Running>();
    made->stream = std::make_unique<TlsStream>(descriptor, certificate_.server.get());
    Running* running = made.get();
    const std::lock_guard<std::mutex> lock(mutex_);
    running_.push_back(std::move(made));
    running->thread = std::thread([this, running, number] {
        if (running->stream->handshake()) conversation_(*running->stream, number);
        running->done = true;
    });
}

void TlsServer::cut_all() {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const auto& running : running_) running->stream->shut();
}

void TlsServer::sweep(bool all) {
    std::vector<std::unique_ptr<Running>> ended;
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        for (auto& running : running_)
            if (all || running->done) ended.push_back(std::move(running));
        std::erase_if(running_, [](const auto& running) { return !running; });
    }
    for (auto& running : ended) running->thread.join();
}
