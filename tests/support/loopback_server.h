// An HTTP/1.1 server on loopback, plain or TLS, for doubles of web services: one thread per
// connection, so that an answer may take its time; connections are kept; everything can break.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

// A request that has come whole.
struct LoopbackRequest {
    std::string method;
    std::string path;                            // with the query
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    uint64_t connection = 0;  // counted from 1
    // Whether its sender is gone: asked while an answer waits for something.
    std::function<bool()> has_left;
};

struct LoopbackAnswer {
    enum class Manner {
        whole,
        none,  // the connection is reset instead
        half,  // half of the bytes, then the connection is reset
    };
    int status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::map<std::string, std::string> headers;
    Manner manner = Manner::whole;
    bool then_close = false;
};

class LoopbackServer {
  public:
    using Handler = std::function<LoopbackAnswer(const LoopbackRequest&)>;
    struct Options {
        bool tls = false;
        uint16_t port = 0;  // 0: any
    };
    // The handler is called on the threads of the connections.
    LoopbackServer(Options options, Handler handler);
    // Ends every connection first; the handler must return then.
    ~LoopbackServer();

    uint16_t port() const;
    std::string url() const;  // "http://127.0.0.1:PORT" or "https://localhost:PORT"
    // PEM file of the authority that signed the certificate; empty without TLS.
    std::string certificate_file() const;
    bool is_stopping() const;
    uint64_t connections() const;
    size_t open_connections() const;
    // Resets what is open now; new connections come through.
    void cut_connections();
    // While true a new connection is reset as soon as it is there.
    void refuse_connections(bool refuse);

  private:
    struct State;
    std::unique_ptr<State> state_;
};
