// Turns the words after a command into its options and operands, by the commands table.
//
// CLI11 does the parsing and is included in arguments.cpp only. A refusal is a sentence for the
// person who typed; nothing is printed here.
#pragma once

#include <chrono>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "workers/cli/commands_table.h"
#include "workers/common/base/result.h"

namespace cli {

class Arguments {
  public:
    // By the long name without dashes: "lines". A repeated option keeps its last value.
    bool has(const std::string& name) const { return values_.contains(name); }
    std::string text(const std::string& name, const std::string& fallback = {}) const;
    // Of an option that takes several words, however often it was given.
    std::vector<std::string> texts(const std::string& name) const;
    // A whole number between 1 and `largest`; bad_message names the option when it is not.
    Result<int64_t> number(const std::string& name, int64_t fallback, int64_t largest) const;
    const std::vector<std::string>& operands() const { return operands_; }
    bool wants_help() const { return wants_help_; }

  private:
    friend Result<Arguments> parse_arguments(const Command& command,
                                             std::span<const std::string> words);
    std::map<std::string, std::string> values_;
    std::map<std::string, std::vector<std::string>> lists_;
    std::vector<std::string> operands_;
    bool wants_help_ = false;
};

Result<Arguments> parse_arguments(const Command& command, std::span<const std::string> words);

// "lines" of "-n,--lines,--limit": what Arguments knows an option by.
std::string option_key(const Option& option);

// Digits only, within 0…largest.
bool parse_number(const std::string& text, int64_t largest, int64_t& into);

}  // namespace cli
