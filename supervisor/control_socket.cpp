#include "supervisor/control_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace supervisor {

namespace {

constexpr std::chrono::seconds patience{5};  // for the request
constexpr size_t largest_frame = 1u << 20;

bool may_control(int connection) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
    return peer.uid == geteuid() || peer.uid == 0;
}

Fd spare_descriptor() {
    return Fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

bool is_answered(const sockaddr_un& address) {
    const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) return false;
    if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        return true;
    return errno == EAGAIN || errno == EPROTOTYPE;  // no room in its queue, or of another type
}

}  // namespace

void ControlClient::refuse(const std::string& why) {
    hardshell::proto::ControlReply answer;
    answer.set_last(true);
    answer.set_error(why);
    reply(answer);
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(Loop& loop, const std::string& path,
                                                           Handler handler) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return Error{Fault::bad_config,
                     "the path " + path + " is too long for a socket; set HARDSHELL_RUN_DIR"};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error("cannot make the control socket", errno);
    // The state lock is ours, so a file that lies here belongs to a supervisor that is gone, or to
    // one with another state directory.
    if (is_answered(address))
        return Error{Fault::busy, "another gateway uses the run directory of " + path +
                                      "; set HARDSHELL_RUN_DIR to a directory of its own for each"};
    struct stat info {};
    if (lstat(path.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path.c_str());
    const mode_t mask = umask(0177);
    const int bound = bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    const int error = errno;
    umask(mask);
    if (bound != 0 || listen(socket.get(), 64) != 0)
        return system_error("cannot listen on the control socket " + path, bound ? error : errno);
    return std::unique_ptr<ControlSocket>(
        new ControlSocket(loop, std::move(socket), path, std::move(handler)));
}

ControlSocket::ControlSocket(Loop& loop, Fd socket, std::string path, Handler handler)
    : loop_(loop),
      socket_(std::move(socket)),
      spare_(spare_descriptor()),
      path_(std::move(path)),
      handler_(std::move(handler)) {
    watch_ = loop_.watch(socket_.get(), Loop::readable, [this](unsigned) { accept_one(); });
}

ControlSocket::~ControlSocket() {
    watch_.reset();
    unlink(path_.c_str());
}

// A caller left waiting would make the socket readable for ever, and the loop turn without rest.
void ControlSocket::refuse_one() {
    spare_.reset();
    Fd(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare_ = spare_descriptor();
}

void ControlSocket::accept_one() {
    Fd connection(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!connection && (errno == EMFILE || errno == ENFILE)) return refuse_one();
    if (!connection || !may_control(connection.get())) return;
    if (clients_.size() >= most_clients) make_room();
    clients_.push_back(std::make_unique<ControlClient>(
        std::make_unique<FrameStream>(loop_, std::move(connection), largest_frame)));
    ControlClient* client = clients_.back().get();
    client->deadline_ = loop_.after(patience, [this, client] { drop(client); });
    client->stream_->on_close([this, client](const std::string&) { drop(client); });
    client->stream_->on_frame([this, client](std::string_view frame) { take(*client, frame); });
}

void ControlSocket::take(ControlClient& client, std::string_view frame) {
    // One request each: answers that nobody reads would pile up.
    if (std::exchange(client.has_asked_, true)) return drop(&client);
    client.deadline_.reset();
    hardshell::proto::ControlRequest request;
    if (!request.ParseFromArray(frame.data(), static_cast<int>(frame.size())))
        return client.refuse("the request cannot be read");
    handler_(request, client);
}

// The oldest gives way, those that follow the log last: a crowd of callers that say nothing must
// not keep the owner out.
void ControlSocket::make_room() {
    const auto idle = std::find_if(clients_.begin(), clients_.end(),
                                   [](const auto& client) { return !client->feed; });
    drop(idle != clients_.end() ? idle->get() : clients_.front().get());
}

void ControlSocket::drop(const ControlClient* client) {
    for (auto at = clients_.begin(); at != clients_.end(); ++at) {
        if (at->get() != client) continue;
        // Its own handler may be under way: it goes on the next turn of the loop.
        loop_.soon([gone = std::shared_ptr<ControlClient>(std::move(*at))] {});
        clients_.erase(at);
        return;
    }
}

}  // namespace supervisor
