// A TLS server on loopback whose every connection runs a test's own function, on a thread of its
// own: what it sends and when it breaks off is up to the test.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/test_certificate.h"

class TlsStream {
  public:
    TlsStream(int descriptor, SSL_CTX* context);
    ~TlsStream();
    TlsStream(const TlsStream&) = delete;
    TlsStream& operator=(const TlsStream&) = delete;

    bool handshake();
    // What is there, at most `most` bytes; waits for it. Empty: the peer has gone, or the time is
    // over (then timed_out()).
    std::string read(size_t most = 65536,
                     std::chrono::milliseconds limit = std::chrono::milliseconds(20'000));
    // The same, whose time is also over at wake().
    std::string read_unless_woken(std::chrono::milliseconds limit);
    // Up to and with `end`; what came behind it is read next. Empty: the peer has gone.
    std::string read_until(std::string_view end);
    std::string read_exactly(size_t size);
    bool write(std::string_view bytes);
    // Ends it in the manner of a cut cable: with a reset.
    void reset();
    // Unblocks its reads and writes; from any thread.
    void shut();
    // Ends read_unless_woken(), or the next one, at once; from any thread.
    void wake();
    bool timed_out() const { return timed_out_; }

  private:
    bool wait(short events, std::chrono::milliseconds limit);

    int descriptor_;
    int alarm_;  // an eventfd
    SSL* tls_;
    std::string ahead_;
    bool timed_out_ = false;
    bool is_open_ = false;
};

class TlsServer {
  public:
    using Conversation = std::function<void(TlsStream& stream, uint64_t connection)>;

    // Connections are counted from 1. `port` 0: any.
    explicit TlsServer(Conversation conversation, uint16_t port = 0);
    // Ends all conversations.
    ~TlsServer();

    uint16_t port() const { return port_; }
    // "localhost:PORT"
    std::string authority() const;
    // PEM file of the authority that signed the certificate.
    const std::string& certificate_file() const { return certificate_file_; }
    uint64_t connections() const { return connections_; }
    // No connection is accepted until allowed again: the port answers none, as a dead host.
    void refuse_connections(bool refuse);
    // One more port for the same conversations, with the same certificate; at most one.
    uint16_t open_another_port();
    // Likewise, on that port alone.
    void refuse_on_other_port(bool refuse) { other_refuses_ = refuse; }
    // Breaks all open connections off.
    void cut_all();

  private:
    struct Running {
        std::unique_ptr<TlsStream> stream;
        std::thread thread;
        std::atomic<bool> done{false};
    };
    static int listen_on(uint16_t port, uint16_t& chosen);
    void accept_all();
    void accept_one(int listener, bool refuses);
    void sweep(bool all);

    TestCertificate certificate_;
    std::string certificate_file_;
    Conversation conversation_;
    int listener_ = -1;
    uint16_t port_ = 0;
    std::atomic<uint64_t> connections_{0};
    std::atomic<bool> stopped_{false};
    std::atomic<bool> refuses_{false};
    std::atomic<int> other_listener_{-1};
    std::atomic<bool> other_refuses_{false};
    std::mutex mutex_;
    std::vector<std::unique_ptr<Running>> running_;
    std::thread acceptor_;
};
