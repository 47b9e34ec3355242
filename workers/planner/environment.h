// The environment variables a plan is made from, and where each came from. The process's own are
// never overridden and never changed: an env file or the configuration only adds what is missing. A
// variable that is set to nothing counts as not set. All texts are valid UTF-8.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace planner {

class Environment {
  public:
    struct Variable {
        std::string value;
        std::string source;  // "environment variable X", "X in /data/.env"
    };
    using Variables = std::map<std::string, Variable, std::less<>>;

    // A copy of the process's.
    static Environment of_process();

    // Sets it unless it is set to something already.
    void add(const std::string& name, std::string_view value, std::string_view source);
    // NAME=value lines; a missing file adds nothing.
    void add_file(const std::string& path);
    // The same, unless others than root and this user could have written the file: with variables
    // they would choose the gateway's token and the addresses that keys are sent to.
    void add_trusted_file(const std::string& directory, const std::string& name);

    // Empty when it is not set.
    std::string get(std::string_view name) const;
    // The first of the names that is set to something; null when none is.
    const Variable* first_of(std::initializer_list<std::string_view> names) const;
    const Variables& all() const { return variables_; }

  private:
    Variables variables_;
};

// The lines of an env file: comments, `export`, quotes, \n in double quotes.
std::map<std::string, std::string> read_env_file(std::string_view text);

}  // namespace planner
