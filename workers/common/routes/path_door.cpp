#include "workers/common/routes/path_door.h"

#include <algorithm>

#include "workers/common/routes/door_session.h"

PathDoor::PathDoor(Loop& loop, std::vector<hardshell::proto::PublicPath> table, SocketOf socket_of)
    : loop_(loop), socket_of_(std::move(socket_of)) {
    for (auto& path : table) rows_.push_back({std::move(path)});
}

PathDoor::~PathDoor() {
    close_all();
}

bool PathDoor::has(std::string_view path) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const Row& row) { return row.path.path() == path; });
}

PathDoor::Row* PathDoor::row_of(std::string_view path) {
    for (Row& row : rows_)
        if (row.path.path() == path) return &row;
    return nullptr;
}

void PathDoor::take(Fd connection) {
    if (sessions_.size() >= most_open) {
        ++counts_.refused;
        return;  // closed: an answer would need what there is none of
    }
    auto session = std::make_shared<DoorSession>(loop_, *this, std::move(connection));
    sessions_[session.get()] = session;
    session->begin();
}

void PathDoor::close_all() {
    while (!sessions_.empty()) sessions_.begin()->second->end();
}

void PathDoor::is_early(DoorSession& session) {
    early_.push_back(&session);
    if (early_.size() > most_early) early_.front()->end();
}

void PathDoor::is_past_its_head(DoorSession& session) {
    early_.remove(&session);
}

void PathDoor::forget(DoorSession& session) {
    early_.remove(&session);
    const auto found = sessions_.find(&session);
    if (found == sessions_.end()) return;
    loop_.soon([ended = found->second] {});
    sessions_.erase(found);
}
