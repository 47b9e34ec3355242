// Spoils JSON texts, the same way each time: some keep their structure and have a wrong value, a
// missing or an unknown member; others are spoilt as texts and may be no JSON any more.
#pragma once

#include <random>
#include <string>

#include "workers/common/base/json.h"

class Mutator {
  public:
    explicit Mutator(uint32_t seed) : random_(seed) {}

    // `text` is JSON; after one to three changes.
    std::string mutated(const std::string& text);
    size_t below(size_t end) { return end == 0 ? 0 : random_() % end; }

  private:
    void change(Json& tree);
    void change_member(Json& node);
    std::string change(std::string text);
    Json odd_value();
    Json* any_node(Json& tree);

    std::mt19937 random_;
};
