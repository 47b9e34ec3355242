#include "workers/cli/control_client.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "workers/common/base/frame_stream.h"

namespace cli {

namespace {

constexpr size_t largest_reply = 16u << 20;

Error connect_error(const Context& context, int number) {
    if (number == ENOENT || number == ECONNREFUSED)
        return Error{Fault::unreachable,
                     "no gateway is running for the state directory " + context.state_dir +
                         "; start one with `hardshell gateway`, or name its directory with "
                         "OPENCLAW_STATE_DIR",
                     number};
    if (number == EACCES || number == EPERM)
        return Error{Fault::bad_credentials,
                     "the control socket " + context.control_socket() +
                         " belongs to another user; run this as the gateway's user, or as root",
                     number};
    return system_error("cannot open the control socket " + context.control_socket(), number);
}

}  // namespace

Result<ControlClient> ControlClient::connect(const Context& context) {
    const std::string path = context.control_socket();
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error{Fault::bad_config,
                     "the path of the control socket is too long for a socket: " + path +
                         "; set HARDSHELL_RUN_DIR to a shorter one"};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (!socket) return system_error("cannot make a socket", errno);
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        return connect_error(context, errno);
    return ControlClient{std::move(socket)};
}

Result<ControlClient::Reply> ControlClient::next_reply(std::chrono::milliseconds patience) {
    const int wait = patience.count() > 0 ? static_cast<int>(patience.count()) : INT_MAX;
    Result<std::string> frame = read_one_frame(socket_.get(), wait, largest_reply);
    if (!frame) {
        const char* what = frame.error().fault == Fault::timed_out
                               ? "the supervisor does not answer; its log may say why"
                               : "the supervisor closed the connection; it may be stopping";
        return Error{frame.error().fault, what, frame.error().sys};
    }
    Reply reply;
    if (!reply.ParseFromString(*frame))
        return Error{Fault::bad_message,
                     "the supervisor's answer cannot be read; is it of another version?"};
    if (!reply.error().empty()) return Error{Fault::bad_message, reply.error()};
    return reply;
}

Done ControlClient::ask(const std::string& verb, const std::vector<std::string>& arguments,
                        std::chrono::milliseconds patience, const Handler& handler) {
    hardshell::proto::ControlRequest request;
    request.set_verb(verb);
    for (const std::string& argument : arguments) request.add_arguments(argument);
    const int wait = static_cast<int>(control_patience.count());
    if (Done sent = write_one_frame(socket_.get(), request, wait); !sent)
        return Error{sent.error().fault,
                     "the supervisor does not take the request: " + sent.error().what};
    for (;;) {
        Result<Reply> reply = next_reply(patience);
        if (!reply) return reply.error();
        if (!handler(*reply) || reply->last()) return {};
    }
}

Result<hardshell::proto::StatusReport> ask_status(const Context& context) {
    Result<ControlClient> client = ControlClient::connect(context);
    if (!client) return client.error();
    hardshell::proto::StatusReport report;
    bool got = false;
    Done done = client->ask("status", {}, control_patience, [&](const ControlClient::Reply& reply) {
        if (reply.has_status()) {
            report = reply.status();
            got = true;
        }
        return true;
    });
    if (!done) return done.error();
    if (!got) return Error{Fault::bad_message, "the supervisor answered without a status"};
    return report;
}

Result<Json> ask_gateway_as_owner(const Context& context, const std::string& method,
                                  const Json& params) {
    Result<ControlClient> client = ControlClient::connect(context);
    if (!client) return client.error();
    std::string payload;
    const Done done = client->ask("gateway-call", {method, print_json(params)}, control_patience,
                                  [&](const ControlClient::Reply& reply) {
                                      payload = reply.payload_json();
                                      return true;
                                  });
    if (!done) return done.error();
    return parse_json(payload);
}

Done tell(const Context& context, const std::string& verb,
          const std::vector<std::string>& arguments) {
    Result<ControlClient> client = ControlClient::connect(context);
    if (!client) return client.error();
    return client->ask(verb, arguments, control_patience,
                       [](const ControlClient::Reply&) { return true; });
}

}  // namespace cli
