#include "workers/telegram/update_ledger.h"

#include <algorithm>

namespace telegram {

bool UpdateLedger::take(int64_t id) {
    if (done_ && id <= *done_) return false;
    if (ahead_.contains(id)) return false;
    return open_.insert(id).second;
}

void UpdateLedger::settle(int64_t id) {
    if (open_.erase(id) == 0) return;
    ahead_.insert(id);
    advance();
}

void UpdateLedger::advance() {
    while (!ahead_.empty() && (open_.empty() || *ahead_.begin() < *open_.begin())) {
        done_ = done_ ? std::max(*done_, *ahead_.begin()) : *ahead_.begin();
        ahead_.erase(ahead_.begin());
    }
}

}  // namespace telegram
