// A string that does not show itself and is wiped when it goes.
#pragma once

#include <string.h>

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

class Secret {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    Secret& operator=(Secret&& other) noexcept {
        if (this == &other) return *this;
        wipe();
        value_ = std::move(other.value_);
        other.wipe();
        return *this;
    }
    ~Secret() { wipe(); }

    bool empty() const { return value_.empty(); }
    // The one way to the text: a place to look for when reviewing where secrets go.
    const std::string& reveal() const { return value_; }

  private:
    void wipe() {
        explicit_bzero(value_.data(), value_.size());
        value_.clear();
    }
    std::string value_;
};

inline std::ostream& operator<<(std::ostream& out, const Secret&) {
    return out << "***";
}
