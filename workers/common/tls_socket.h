// An outgoing connection on the loop, over TLS or plain: what HttpsClient is built on.
//
// Promises: the name is looked up beside the loop; its addresses are tried one after the other;
// the certificate is that of the host asked for; nothing is called back once the socket is
// destroyed, and each call may destroy it.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/fd.h"
#include "workers/common/client_context.h"
#include "workers/common/name_lookup.h"

class TlsSocket {
  public:
    TlsSocket(ClientContext& context, Endpoint endpoint);
    // Cuts the connection without a word.
    virtual ~TlsSocket();
    TlsSocket(const TlsSocket&) = delete;
    TlsSocket& operator=(const TlsSocket&) = delete;

    bool is_open() const { return stage_ == Stage::open; }

  protected:
    // Looks the name up and connects; the timeout spans that and the handshake.
    void connect(std::chrono::milliseconds timeout);
    // None of the calls below any more.
    void cut();
    // ready_to_write() is called once all that was written before has left.
    void want_to_write();
    void write(std::string bytes);
    ClientContext& context() { return context_; }
    const Endpoint& endpoint() const { return endpoint_; }

    virtual void opened() = 0;
    virtual void ready_to_write() = 0;
    virtual void received(std::string_view bytes) = 0;
    // The last call: not connected, or no longer.
    virtual void ended(const Error& error) = 0;

  private:
    enum class Stage { idle, looking_up, connecting, shaking_hands, open };
    using Tls = std::unique_ptr<SSL, decltype(&SSL_free)>;

    void try_next();
    void attempt_failed(const std::string& why);
    void ready(unsigned events);
    void connected();
    void shake_hands();
    void now_open();
    void serve(unsigned events);
    bool flush();
    bool read_all(const std::shared_ptr<bool>& alive);
    void watch_for_more();
    void drop();
    void broke(const std::string& why);

    ClientContext& context_;
    Endpoint endpoint_;
    Stage stage_ = Stage::idle;
    std::unique_ptr<NameLookup> lookup_;
    std::vector<std::string> addresses_;  // not tried yet, last one first
    std::chrono::milliseconds timeout_{};
    Fd socket_;
    Tls tls_{nullptr, SSL_free};
    std::string unsent_;
    bool wants_to_write_ = false;
    bool tls_wants_to_write_ = false;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with calls in progress
    Loop::Registration watch_;
    Loop::Registration deadline_;
    Loop::Registration attempt_;
};
