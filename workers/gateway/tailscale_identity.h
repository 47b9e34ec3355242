// Who is behind an address of the tailnet, as tailscaled on this machine says over its LocalAPI.
//
// A header is never believed: Tailscale's proxy connects from loopback, where any process of this
// machine can write the same headers. So the process at the other end must be of tailscaled's own
// user, and tailscaled must know the address by the login that the header names.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <optional>
#include <string>

#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace gateway {

inline constexpr const char* default_tailscaled_socket = "/var/run/tailscale/tailscaled.sock";

struct TailscaleClaim {
    std::string address;             // as the proxy forwarded it
    std::string login;               // as its header names it
    std::optional<unsigned> sender;  // user of the process that sent the headers
};

class TailscaleIdentity {
  public:
    // Clients give up on a greeting after 750 ms.
    static constexpr std::chrono::milliseconds patience{500};
    static constexpr size_t most_questions = 16;
    static constexpr size_t largest_answer = 256u << 10;

    // The login that is confirmed, or why there is none.
    using Answer = std::function<void(const Result<std::string>& login)>;

    TailscaleIdentity(Loop& loop, std::string socket_path)
        : loop_(loop), socket_path_(std::move(socket_path)) {}

    // Called once, within the patience; it may be called before this returns.
    void confirm(TailscaleClaim claim, Answer answer);
    size_t open_questions() const { return questions_.size(); }

  private:
    struct Question {
        TailscaleClaim claim;
        Answer answer;
        Fd socket;
        std::string received;
        Loop::Registration watch;
        Loop::Registration deadline;
    };
    using Place = std::list<Question>::iterator;

    Result<Fd> connect(const TailscaleClaim& claim) const;
    void read(Place question);
    void finish(Place question, const Result<std::string>& login);

    Loop& loop_;
    std::string socket_path_;
    std::list<Question> questions_;
};

// The login in tailscaled's answer, whole as it came over the socket.
Result<std::string> login_in_answer(const std::string& http_answer);

}  // namespace gateway
