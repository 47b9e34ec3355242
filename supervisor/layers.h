// The table of what keeps a worker apart from the others and from the machine.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace supervisor {

struct LayerState {
    std::string_view name;
    bool holds = false;
    std::string detail;  // when it does not hold: what follows, for the log and doctor
};

// What the layers depend on.
struct LayerFacts {
    bool has_users = false;
    std::string why_no_users;
    bool limits_memory = false;
    bool limits_tasks = false;
    std::string memory_mode;
};

std::vector<LayerState> layers(const LayerFacts& facts);

}  // namespace supervisor
