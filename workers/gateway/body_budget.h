// How much memory the bodies of all requests under way may take together. A request reserves what
// it announces before the first byte is read, so that many at once cannot take more than there is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace gateway {

class BodyBudget {
  public:
    static constexpr uint64_t least = 2u << 20;
    static constexpr uint64_t most = 64u << 20;

    // A body is held several times on its way: as it came, as values, and as it goes out.
    static uint64_t share_of(uint64_t memory_limit) {
        if (memory_limit == 0) return most;
        return std::clamp<uint64_t>(memory_limit / 6, least, most);
    }

    class Share {
      public:
        Share() = default;
        Share(Share&& other) noexcept
            : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}
        Share& operator=(Share&& other) noexcept {
            if (this == &other) return *this;
            give_back();
            budget_ = std::exchange(other.budget_, nullptr);
            bytes_ = other.bytes_;
            return *this;
        }
        ~Share() { give_back(); }

      private:
        friend class BodyBudget;
        Share(BodyBudget* budget, uint64_t bytes) : budget_(budget), bytes_(bytes) {}
        void give_back() {
            if (budget_) budget_->used_ -= bytes_;
            budget_ = nullptr;
        }
        BodyBudget* budget_ = nullptr;
        uint64_t bytes_ = 0;
    };

    void set_total(uint64_t bytes) { total_ = bytes; }
    uint64_t total() const { return total_; }
    uint64_t used() const { return used_; }
    // Nothing when there is no room. The budget outlives its shares.
    std::optional<Share> reserve(uint64_t bytes) {
        if (bytes > total_ || used_ > total_ - bytes) return {};
        used_ += bytes;
        return Share(this, bytes);
    }

  private:
    uint64_t total_ = most;
    uint64_t used_ = 0;
};

}  // namespace gateway
