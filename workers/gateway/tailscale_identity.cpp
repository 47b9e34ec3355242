#include "workers/gateway/tailscale_identity.h"

#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "workers/common/base/json.h"

namespace gateway {

namespace {

// What tailscaled calls machines that belong to no person.
constexpr std::string_view no_person = "tagged-devices";

// HTTP/1.0: the answer ends with the connection, and is never chunked.
std::string question_text(const std::string& address) {
    return "GET /localapi/v0/whois?addr=" + address +
           " HTTP/1.0\r\nHost: local-tailscaled.sock\r\n\r\n";
}

bool is_plain_address(const std::string& text) {
    return !text.empty() && text.size() <= 45 &&
           text.find_first_not_of("0123456789abcdef.:") == std::string::npos;
}

std::optional<unsigned> user_behind(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    return peer.uid;
}

}  // namespace

Result<std::string> login_in_answer(const std::string& answer) {
    const size_t body = answer.find("\r\n\r\n");
    if (answer.compare(0, 7, "HTTP/1.") != 0 || body == std::string::npos)
        return Error{Fault::bad_message, "tailscaled's answer is no HTTP"};
    const std::string status = answer.substr(0, answer.find("\r\n"));
    if (status.compare(8, 5, " 200 ") != 0)
        return Error{Fault::bad_credentials,
                     "tailscaled does not know the address (" + status + ")"};
    const Result<Json> who = parse_json(std::string_view(answer).substr(body + 4));
    if (!who) return Error{Fault::bad_message, "tailscaled's answer: " + who.error().what};
    std::string login = text_member(member(*who, "UserProfile"), "LoginName");
    if (login.empty() || login == no_person)
        return Error{Fault::bad_credentials, "no person is logged in at the address"};
    return login;
}

Result<Fd> TailscaleIdentity::connect(const TailscaleClaim& claim) const {
    if (!is_plain_address(claim.address))
        return Error{Fault::bad_message, "the forwarded address is none"};
    if (questions_.size() >= most_questions)
        return Error{Fault::busy, "too many questions to tailscaled are open"};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_path_.size() >= sizeof address.sun_path)
        return Error{Fault::bad_config, "TS_SOCKET: the path is too long for a socket"};
    std::memcpy(address.sun_path, socket_path_.c_str(), socket_path_.size() + 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return system_error("cannot ask tailscaled at " + socket_path_, errno);
    const std::optional<unsigned> user = user_behind(socket.get());
    if (!user || !claim.sender || *user != *claim.sender)
        return Error{Fault::bad_credentials, "the headers were not sent by tailscaled's user"};
    const std::string text = question_text(claim.address);
    if (write(socket.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        return system_error("cannot ask tailscaled at " + socket_path_, errno);
    return socket;
}

void TailscaleIdentity::confirm(TailscaleClaim claim, Answer answer) {
    Result<Fd> socket = connect(claim);
    if (!socket) return answer(socket.error());
    questions_.push_back({std::move(claim), std::move(answer), std::move(*socket), {}, {}, {}});
    const Place question = std::prev(questions_.end());
    question->watch = loop_.watch(question->socket.get(), Loop::readable,
                                  [this, question](unsigned) { read(question); });
    question->deadline = loop_.after(patience, [this, question] {
        finish(question, Error{Fault::timed_out, "tailscaled does not answer"});
    });
}

void TailscaleIdentity::read(Place question) {
    char buffer[4096];
    const ssize_t count = ::read(question->socket.get(), buffer, sizeof buffer);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count < 0) return finish(question, system_error("tailscaled's answer", errno));
    question->received.append(buffer, static_cast<size_t>(count));
    if (question->received.size() > largest_answer)
        return finish(question, Error{Fault::bad_message, "tailscaled's answer is too long"});
    if (count > 0) return;
    Result<std::string> login = login_in_answer(question->received);
    if (login && strcasecmp(login->c_str(), question->claim.login.c_str()) != 0)
        login = Error{Fault::bad_credentials, "the header names another login than tailscaled"};
    finish(question, login);
}

void TailscaleIdentity::finish(Place question, const Result<std::string>& login) {
    std::list<Question> done;
    done.splice(done.end(), questions_, question);
    question->watch.reset();
    question->answer(login);
}

}  // namespace gateway
