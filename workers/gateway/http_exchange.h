// Plain HTTP on one connection: its one request, the body, the answer, in the calls of
// libwebsockets. What each returns, libwebsockets is given: -1 ends the connection.
//
// The connection ends with the answer, also where the client would keep it: libwebsockets 4.1.6
// takes a header whose name begins one that it knows (`X-A`, `x-auth-token`) and the next line up
// to its colon for one name. A Content-Length hidden like this makes the body a second request, and
// where a proxy shares a connection among its clients, its answer would be somebody else's.
//
// A body is read only once the request's head has shown a credential, within its share of the
// budget for all bodies and within its time. A client that sends more before it has its answer is
// ended.
#pragma once

#include <libwebsockets.h>

#include <memory>
#include <string>
#include <string_view>

#include "workers/common/base/loop.h"
#include "workers/gateway/body_budget.h"
#include "workers/gateway/http_reply.h"

namespace gateway {

class HttpExchange {
  public:
    // A body has as long as this, and a second more for so many bytes.
    static constexpr std::chrono::milliseconds body_time{10'000};
    static constexpr uint64_t body_bytes_per_second = 64 * 1024;
    // A client that takes nothing of its answer for so long is cut off.
    static constexpr int reader_patience_s = 60;

    // Whose connection it is.
    class Connection {
      public:
        virtual ~Connection() = default;
        virtual lws* wsi() const = 0;
        // Has shown a credential: may take its time.
        virtual void has_shown_itself() = 0;
        // Must come on within the time for strangers, which begins anew.
        virtual void must_come_on() = 0;
        // Ends it from outside a call of libwebsockets.
        virtual void kill() = 0;
    };

    HttpExchange(Connection& connection, Loop& loop, BodyBudget& bodies)
        : connection_(connection), loop_(loop), bodies_(bodies) {}
    ~HttpExchange();
    HttpExchange(const HttpExchange&) = delete;
    HttpExchange& operator=(const HttpExchange&) = delete;

    // It has had its request.
    bool is_taken() const { return pending_ || ends_when_sent_; }
    int serve(const HttpAsk& ask, HttpVerdict verdict);
    int write_answer(const HttpAnswer& answer, bool with_body);
    int read_body(std::string_view part);
    int body_is_there();
    int writeable();

  private:
    // A request whose answer is not written yet.
    struct Pending {
        HttpLater later;
        std::string body;
        BodyBudget::Share share;
        uint64_t expected = 0;
        Loop::Registration deadline;
        std::shared_ptr<HttpReply> reply;  // shared with who answers
        bool is_taken = false;             // the body is with who answers
    };

    int serve_later(const HttpAsk& ask, HttpLater later);
    int refuse_body(const HttpAsk& ask, const Route* route);
    int write_reply();
    int end_transaction(bool closes);
    bool write(std::string_view bytes);

    Connection& connection_;
    Loop& loop_;
    BodyBudget& bodies_;
    std::unique_ptr<Pending> pending_;
    bool ends_when_sent_ = false;  // the connection ends with this answer
    bool discards_body_ = false;   // ...once the client has sent what nobody reads
    Loop::Registration rest_deadline_;
};

}  // namespace gateway
