// WebSockets as libwebsockets has them, driven by the worker's libuv loop. Inside websocket_client.
//
// Names are looked up beside the loop, so that a dead name server never stops it; the addresses of
// a name are tried one after the other; nothing is called back once a socket is destroyed.
#pragma once

#include <libwebsockets.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "workers/common/base/result.h"
#include "workers/common/client_context.h"
#include "workers/common/endpoint.h"
#include "workers/common/name_lookup.h"
#include "workers/common/uv_loop.h"

// Libwebsockets in this process; outlives its sockets.
class LwsContext {
  public:
    LwsContext(UvLoop& loop, ClientContext& client);
    ~LwsContext();
    LwsContext(const LwsContext&) = delete;
    LwsContext& operator=(const LwsContext&) = delete;

    bool is_usable() const { return context_ && vhost_; }
    UvLoop& loop() { return loop_; }
    lws_context* native() { return context_; }
    lws_vhost* vhost() { return vhost_; }

  private:
    static int on_lws(lws* wsi, lws_callback_reasons reason, void*, void* in, size_t length);

    UvLoop& loop_;
    lws_context* context_ = nullptr;
    lws_vhost* vhost_ = nullptr;
};

// A connection being made, or made.
class LwsSocket {
  public:
    LwsSocket(LwsContext& context, Endpoint endpoint);
    // Cuts the connection without a word.
    virtual ~LwsSocket();
    LwsSocket(const LwsSocket&) = delete;
    LwsSocket& operator=(const LwsSocket&) = delete;

    // Called by libwebsockets' callback; the socket may be gone when it returns.
    int on_event(lws* wsi, lws_callback_reasons reason, void* in, size_t length);

  protected:
    // Looks the name up and connects; the timeout spans that, TLS and the opening of a WebSocket.
    void connect(std::chrono::milliseconds timeout);
    // No more attempts, and none of the calls below any more.
    void cut();
    lws* wsi() { return wsi_; }
    LwsContext& context() { return context_; }
    const Endpoint& endpoint() const { return endpoint_; }

    // What is asked of libwebsockets beside address, host and TLS.
    virtual void describe(lws_client_connect_info& info) = 0;
    virtual int opened() = 0;
    // Everything that libwebsockets tells of an open connection.
    virtual int event(lws_callback_reasons reason, std::string_view bytes) = 0;
    // The last call: not connected, or no longer. May destroy the socket.
    virtual void ended(const Error& error) = 0;

    // Of the answer that refused the opening of a WebSocket; 0: there was none.
    int refusal_status() const { return refusal_status_; }
    bool is_open() const { return is_open_; }

  private:
    void try_next();
    void fail_soon(std::string why);
    void failed();
    void timed_out();
    void detach();
    void drop();

    LwsContext& context_;
    Endpoint endpoint_;
    std::unique_ptr<NameLookup> lookup_;
    std::vector<std::string> addresses_;  // not tried yet, last one first
    std::string why_;                     // the latest attempt failed
    std::chrono::milliseconds timeout_{};
    Loop::Registration deadline_;
    Loop::Registration next_attempt_;
    lws* wsi_ = nullptr;
    int refusal_status_ = 0;
    bool is_open_ = false;
};
