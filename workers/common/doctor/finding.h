// What is found about a gateway: good, worth knowing or wrong, and what to do about it.
#pragma once

#include <string>
#include <vector>

namespace doctor {

enum class Weight { good, note, problem };
// "ok", "note", "problem"
const char* name_of(Weight weight);

struct Finding {
    Weight weight;
    std::string subject;  // "state directory"
    std::string what;
    std::string cure;  // empty when there is nothing to do
};
using Findings = std::vector<Finding>;

// Adds what was not said about its subject before: one mistake in a file shows in several places.
void append_new(Findings& all, const Findings& part);

}  // namespace doctor
