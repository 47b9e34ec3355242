#include "workers/gateway/board_pages.h"

#include "workers/common/log.h"

namespace gateway {

const BoardPage* BoardPages::of(const std::string& worker) {
    const auto known = pages_.find(worker);
    if (known != pages_.end()) return known->second ? &*known->second : nullptr;
    std::optional<BoardPage>& page = pages_[worker];
    for (const int descriptor : self_.handles("board:" + worker)) {
        Result<BoardPage> mapped = BoardPage::map(descriptor, false);
        if (mapped)
            page.emplace(std::move(*mapped));
        else
            log_warn("the counters of {} cannot be read: {}", worker, mapped.error().what);
    }
    return page ? &*page : nullptr;
}

}  // namespace gateway
