#include "workers/voice/company.h"

#include <utility>

namespace voice {

void Company::send(HttpsRequest request, std::function<void(HttpsOutcome)> handler) {
    const uint64_t id = ++last_;
    calls_[id] = client_.start(std::move(request),
                               [this, id, handler = std::move(handler)](HttpsOutcome outcome) {
                                   // The call, and with it this function, goes at the end.
                                   auto call = calls_.extract(id);
                                   handler(std::move(outcome));
                                   ended(id);
                               });
}

void Company::ended(uint64_t) {
    if (!calls_.empty()) return;
    if (auto done = std::exchange(done_, nullptr)) done();
}

void Company::finish(std::function<void()> done) {
    if (calls_.empty()) return done();
    done_ = std::move(done);
}

}  // namespace voice
