#include "supervisor/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "supervisor/directories.h"
#include "supervisor/signals.h"
#include "workers/common/base/clock.h"

namespace supervisor {

namespace {

constexpr std::chrono::seconds patience{5};  // for the request
constexpr std::chrono::milliseconds parting{
    1'000};  // from the end of its lock to that of a gateway
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

bool is_same(const struct stat& one, const struct stat& two) {
    return one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

Result<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() > longest_socket_path) return too_long(path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Error in_use(const std::string& directory) {
    return {Fault::busy, "another gateway uses the run directory " + directory +
                             "; set HARDSHELL_RUN_DIR to a directory of its own for each"};
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
    std::unique_ptr<ControlSocket> door(new ControlSocket(loop, path, std::move(handler)));
    if (Done taken = door->take_directory(parting); !taken) return taken.error();
    if (Done listening = door->listen(); !listening) {
        if (listening.error().fault == Fault::busy) return listening.error();
        door->trouble_ = listening.error().what;
    }
    return door;
}

ControlSocket::ControlSocket(Loop& loop, std::string path, Handler handler)
    : loop_(loop),
      spare_(spare_descriptor()),
      path_(std::move(path)),
      handler_(std::move(handler)) {}

ControlSocket::~ControlSocket() {
    watch_.reset();
    if (is_at_its_path()) unlink(path_.c_str());
}

Done ControlSocket::take_directory(std::chrono::milliseconds patience) {
    const std::string name = path_.substr(0, path_.rfind('/'));
    Fd directory(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return system_error("cannot open the run directory " + name, errno);
    const int64_t deadline = monotonic_ms() + patience.count();
    while (flock(directory.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) break;  // a file system without locks
        if (monotonic_ms() >= deadline || is_asked_to_end()) return in_use(name);
        poll(nullptr, 0, 25);
    }
    directory_ = std::move(directory);
    return {};
}

Done ControlSocket::listen() {
    const Result<sockaddr_un> address = address_of(path_);
    if (!address) return address.error();
    Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return system_error("cannot make the control socket", errno);
    // Where there are no locks, and of gateways that know of none.
    if (is_answered(*address)) return in_use(path_.substr(0, path_.rfind('/')));
    struct stat info {};
    if (lstat(path_.c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path_.c_str());
    const mode_t mask = umask(0177);
    const int bound =
        bind(socket.get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
    const int error = errno;
    umask(mask);
    if (bound != 0 || ::listen(socket.get(), 64) != 0)
        return system_error("cannot listen on the control socket " + path_, bound ? error : errno);
    watch_.reset();
    socket_ = std::move(socket);
    lstat(path_.c_str(), &made_);
    watch_ = loop_.watch(socket_.get(), Loop::readable, [this](unsigned) { accept_one(); });
    return {};
}

bool ControlSocket::is_at_its_path() const {
    struct stat info {};
    return socket_ && lstat(path_.c_str(), &info) == 0 && is_same(info, made_);
}

bool ControlSocket::mend() {
    if (is_at_its_path()) return false;
    const std::string name = path_.substr(0, path_.rfind('/'));
    struct stat there {};
    struct stat held {};
    const auto mended = [&]() -> Done {
        if (lstat(name.c_str(), &there) != 0)
            if (Done made = prepare_run_dir(name, geteuid() == 0); !made) return made;
        const bool is_ours = lstat(name.c_str(), &there) == 0 &&
                             fstat(directory_.get(), &held) == 0 && is_same(there, held);
        if (!is_ours)
            if (Done taken = take_directory({}); !taken) return taken;
        return listen();
    }();
    const std::string before = std::exchange(trouble_, mended ? "" : mended.error().what);
    return mended || trouble_ != before;
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
