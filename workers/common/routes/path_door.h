// A door to the internet: hands requests for the paths of one table on to the workers that they
// belong to, each over a Unix socket of its own, and answers everything else 404.
//
// Promises: nothing reaches a worker but requests for its own paths, whose head is whole, strict
// and small, whose body has a length within the row's cap, and of which not too many are under way.
// Path and query go on as they were sent, headers too, but for those that concern this connection
// only and those that are the gateway's own credentials. The body goes on as it comes, so the
// worker can refuse it unread; the answer comes back as it is made. An opened WebSocket is a tunnel
// of bytes. Every connection carries one request. A worker that is away is a 502, 503 or 504.
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/loop.h"

class DoorSession;

class PathDoor {
  public:
    static constexpr size_t most_open = 512;
    // Connections whose head has not come yet; the oldest makes room.
    static constexpr size_t most_early = 128;

    struct Row {
        hardshell::proto::PublicPath path;
        size_t open = 0;
        int64_t said_away_ms = -60'000;  // monotonic: when the log was told
    };
    struct Counts {
        uint64_t handed_on = 0;
        uint64_t refused = 0;     // by this door: 4xx, or too many
        uint64_t unanswered = 0;  // 502, 503, 504: by a worker that is away
    };
    // Where that worker takes requests; empty: it does not run and will not by itself.
    using SocketOf = std::function<std::string(const std::string& worker)>;

    PathDoor(Loop& loop, std::vector<hardshell::proto::PublicPath> table, SocketOf socket_of);
    ~PathDoor();
    PathDoor(const PathDoor&) = delete;
    PathDoor& operator=(const PathDoor&) = delete;

    bool empty() const { return rows_.empty(); }
    bool has(std::string_view path) const;
    // A connection whose next bytes are the head of a request; non-blocking.
    void take(Fd connection);
    // Ends every connection.
    void close_all();
    size_t open() const { return sessions_.size(); }
    const Counts& counts() const { return counts_; }

    // For its sessions.
    Row* row_of(std::string_view path);
    std::string socket_of(const std::string& worker) const { return socket_of_(worker); }
    Counts& count() { return counts_; }
    void is_early(DoorSession& session);
    void is_past_its_head(DoorSession& session);
    void forget(DoorSession& session);

  private:
    Loop& loop_;
    std::vector<Row> rows_;
    SocketOf socket_of_;
    Counts counts_;
    // Shared with the loop, which lets go of a session that has ended once nothing of it runs.
    std::unordered_map<DoorSession*, std::shared_ptr<DoorSession>> sessions_;
    std::list<DoorSession*> early_;
};
