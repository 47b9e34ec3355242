// A stand-in for the model providers: an HTTP/1.1 server on loopback, plain or TLS, that speaks the
// streams of all three APIs and misbehaves on demand.
//
// Real sockets, real event streams, one thread per connection; knows nothing of the product's code.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

// What is done with one request.
struct ModelReply {
    enum class Manner {
        stream,         // the answer, as events
        no_answer,      // reads the request, then waits until the client leaves
        close_at_once,  // reads the request, then closes
        garbage,        // 200 and a stream of what is no event
        late_error,     // 200, half of the text, then an error event
    };
    Manner manner = Manner::stream;
    int status = 200;  // else an error in the API's form, with error_type and error_message
    std::string error_type = "overloaded_error";
    std::string error_message = "Overloaded";
    std::string retry_after;  // header, when not empty
    std::string text = "Hello from the model double.";
    std::string thinking;
    // Tools that the answer asks for, after its text.
    struct ToolUse {
        std::string id;
        std::string name;
        std::string arguments;  // JSON
    };
    std::vector<ToolUse> tools;
    int64_t input_tokens = 12;
    int64_t output_tokens = 7;

    std::string body;          // sent instead of the built answer, when not empty
    std::string content_type;  // instead of the usual one, when not empty
    size_t piece = 0;          // bytes per write; 0: one event per write
    std::chrono::milliseconds before_first{0};
    std::chrono::milliseconds between{0};           // writes
    size_t break_off_at = static_cast<size_t>(-1);  // closes after so many bytes of the body
    // Not 0: the head tells this length, whatever the body has; closes after it.
    size_t claimed_length = 0;
};

struct ModelRequestSeen {
    std::string method;
    std::string path;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;
    uint64_t connection = 0;  // counted from 1
};

class ModelDouble {
  public:
    struct Options {
        bool tls = false;
        uint16_t port = 0;  // 0: any
    };

    ModelDouble() : ModelDouble(Options()) {}
    explicit ModelDouble(Options options);
    ~ModelDouble();

    uint16_t port() const;
    // "http://127.0.0.1:PORT" or "https://localhost:PORT".
    std::string url() const;
    // PEM file of the authority that signed the certificate; empty without TLS.
    std::string certificate_file() const;

    // The next request gets this reply, the one after it what was added next …
    void next(ModelReply reply);
    // … and once those are used up, each gets this one.
    void always(ModelReply reply);
    // Decides by itself, before the above.
    void answer_with(std::function<ModelReply(const ModelRequestSeen&)> decide);

    std::vector<ModelRequestSeen> requests() const;
    uint64_t connections() const;
    // False when it takes longer than ten seconds.
    bool wait_for_requests(size_t count);
    bool wait_for_closed_connections(size_t count);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// The whole event stream that answers a request to `path`, and its form for errors.
std::string model_stream(const std::string& path, const ModelReply& reply);
std::string model_error_body(const std::string& path, const ModelReply& reply);
// The last result of a tool in a request's body, as text, whatever its API; empty: there is none.
std::string last_tool_result(const std::string& body);
// The text of the last message of a user in a request's body, whatever its API.
std::string last_user_text(const std::string& body);
