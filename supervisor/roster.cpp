#include "supervisor/roster.h"

namespace supervisor {

namespace {

// Outside what Debian gives to people, packages and nobody.
constexpr unsigned first_worker_user = 64000;

}  // namespace

unsigned user_of(const KindOfWorker& row) {
    return first_worker_user + static_cast<unsigned>(row.user_offset);
}

const KindOfWorker* find_kind(std::string_view kind) {
    for (const KindOfWorker& row : roster())
        if (row.kind == kind) return &row;
    return nullptr;
}

}  // namespace supervisor
