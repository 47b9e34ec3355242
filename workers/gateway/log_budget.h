// How many lines of the log somebody may cause: a burst, then a trickle. What is left out is
// counted, and the count is told with the next line that is let through.
#pragma once

#include <cstdint>
#include <string>

namespace gateway {

class LogBudget {
  public:
    struct Allowance {
        double burst;
        double per_second;
    };
    static constexpr Allowance of_a_client{20, 0.5};
    // Of all that have not shown who they are, together.
    static constexpr Allowance of_strangers{60, 2};

    explicit LogBudget(Allowance allowance) : allowance_(allowance), left_(allowance.burst) {}

    // Whether a line may be written now; false counts it as left out.
    bool allows(int64_t now_ms);
    // " (12 earlier lines were left out)", or nothing; the count begins anew.
    std::string remark();
    uint64_t left_out() const { return left_out_; }

  private:
    Allowance allowance_;
    double left_;
    int64_t at_ms_ = 0;
    uint64_t left_out_ = 0;
};

}  // namespace gateway
