#include "supervisor/roster.h"

#include "workers/common/base/users.h"

namespace supervisor {

unsigned user_of(const KindOfWorker& row) {
    return first_worker_user + static_cast<unsigned>(row.user_offset);
}

bool may_ask_config(const KindOfWorker& row, std::string_view method) {
    return row.extra.may_configure ||
           (!row.extra.config_method.empty() && row.extra.config_method == method);
}

const KindOfWorker* find_kind(std::string_view kind) {
    for (const KindOfWorker& row : roster())
        if (row.kind == kind) return &row;
    return nullptr;
}

}  // namespace supervisor
