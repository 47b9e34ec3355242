#include "workers/gateway/log_budget.h"

#include <algorithm>

namespace gateway {

bool LogBudget::allows(int64_t now_ms) {
    const double seconds = static_cast<double>(std::max<int64_t>(0, now_ms - at_ms_)) / 1000;
    left_ = std::min(allowance_.burst, left_ + seconds * allowance_.per_second);
    at_ms_ = now_ms;
    if (left_ < 1) {
        ++left_out_;
        return false;
    }
    left_ -= 1;
    return true;
}

std::string LogBudget::remark() {
    if (left_out_ == 0) return {};
    std::string text = " (" + std::to_string(left_out_) + " earlier lines were left out)";
    left_out_ = 0;
    return text;
}

}  // namespace gateway
