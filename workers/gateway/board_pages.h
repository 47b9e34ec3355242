// Every worker's page of the status board, to be read. Mapped when first asked for.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "workers/common/base/board_page.h"
#include "workers/common/run_worker.h"

namespace gateway {

class BoardPages {
  public:
    explicit BoardPages(const Worker& self) : self_(self) {}

    // Null when this life of the gateway was handed no page of that worker.
    const BoardPage* of(const std::string& worker);

  private:
    const Worker& self_;
    std::map<std::string, std::optional<BoardPage>> pages_;
};

}  // namespace gateway
