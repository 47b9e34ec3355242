// A stand-in for Twilio: its REST interface on loopback, and its signed webhooks.
//
// Knows nothing of the product's code; signs as Twilio's documentation says. Requests are kept in
// their order; a test waits for them.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/support/http_get.h"
#include "tests/support/loopback_server.h"

class TelephoneDouble {
  public:
    using Fields = std::vector<std::pair<std::string, std::string>>;
    // What it was asked over REST.
    struct Request {
        std::string method;
        std::string path;
        std::map<std::string, std::string> form;
        bool authorised = false;
    };

    static constexpr const char* account = "AC0123456789";
    static constexpr const char* token = "double-auth-token-of-a-telephone";

    TelephoneDouble();

    std::string url() const { return server_.url(); }
    // Requests so far.
    std::vector<Request> requests() const;
    // The first request from `from` on that fits; nothing when the time is over.
    std::optional<Request> wait(size_t from, const std::function<bool(const Request&)>& fits,
                                std::chrono::milliseconds limit = patience) const;
    // Every further request is answered so; 0: as usual.
    void fail_with(int status);

    // A webhook to the gateway's port, signed for `public_url`.
    HttpAnswer post(uint16_t port, const std::string& public_url, const std::string& query,
                    const Fields& form) const;
    // With a signature of one's own.
    static HttpAnswer post_signed(uint16_t port, const std::string& public_url,
                                  const std::string& query, const Fields& form,
                                  const std::string& signature);
    static std::string signature(const std::string& url, Fields form);
    static std::string body_of(const Fields& form);

    // The query behind the first address in an answer with which the call goes on.
    static std::string next_query(const std::string& xml);

  private:
    LoopbackAnswer answer(const LoopbackRequest& request);

    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<Request> requests_;
    int failure_ = 0;
    int placed_ = 0;
    LoopbackServer server_;
};
