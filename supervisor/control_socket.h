// The door for the command line: a Unix socket that only its owner and root may use.
//
// Whoever has the door has the run directory: the kernel holds a lock on it that ends with the
// process. A door that somebody takes away is made again.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "proto/control.pb.h"
#include "workers/common/base/frame_stream.h"
#include "workers/common/base/loop.h"
#include "workers/common/base/result.h"

namespace supervisor {

// One connected command line.
class ControlClient {
  public:
    explicit ControlClient(std::unique_ptr<FrameStream> stream) : stream_(std::move(stream)) {}

    void reply(const hardshell::proto::ControlReply& reply) { (void)stream_->send(reply); }
    void refuse(const std::string& why);
    // True while the other end keeps up with what it is sent.
    bool keeps_up() const { return stream_->unsent() < (1u << 20); }
    // Ends with the connection: a listener that feeds it.
    Loop::Registration feed;

  private:
    friend class ControlSocket;
    std::unique_ptr<FrameStream> stream_;
    bool has_asked_ = false;
    Loop::Registration deadline_;
};

class ControlSocket {
  public:
    using Handler = std::function<void(const hardshell::proto::ControlRequest&, ControlClient&)>;

    static constexpr size_t most_clients = 32;

    // `busy` while another gateway has the directory. Where only the socket cannot be made there is
    // a door all the same, closed: see trouble().
    static Result<std::unique_ptr<ControlSocket>> open(Loop& loop, const std::string& path,
                                                       Handler handler);
    ~ControlSocket();

    // Why nobody can come in; empty while one can.
    const std::string& trouble() const { return trouble_; }
    // Now and then: makes the socket where it is not, or not ours. True when that changed something
    // for whoever wants to come in.
    bool mend();

  private:
    ControlSocket(Loop& loop, std::string path, Handler handler);
    Done take_directory(std::chrono::milliseconds patience);
    Done listen();
    bool is_at_its_path() const;
    void accept_one();
    void refuse_one();
    void take(ControlClient& client, std::string_view frame);
    void make_room();
    void drop(const ControlClient* client);

    Loop& loop_;
    Fd directory_;  // holds the lock
    Fd socket_;
    struct stat made_ {};  // the file that we bound
    std::string trouble_;
    Fd spare_;  // given up for a moment when no descriptor is left, so that a caller can be refused
    std::string path_;
    Handler handler_;
    std::list<std::unique_ptr<ControlClient>> clients_;
    Loop::Registration watch_;
};

}  // namespace supervisor
