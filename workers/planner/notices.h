// Messages for the owner, in the order found; each one line, valid UTF-8, of bounded length.
#pragma once

#include <string>
#include <vector>

#include "proto/plan.pb.h"
#include "workers/planner/problem.h"

namespace planner {

class Notices {
  public:
    void info(std::string text);
    void warning(std::string text);
    void error(std::string text);
    // Of very many problems the first fifty and a count.
    void problems(const Problems& problems, hardshell::proto::Notice::Severity severity,
                  const std::string& ending = {});

    const std::vector<hardshell::proto::Notice>& all() const { return notices_; }

  private:
    void add(hardshell::proto::Notice::Severity severity, std::string text);

    std::vector<hardshell::proto::Notice> notices_;
};

// At most `bytes` bytes, not cut inside a character; control characters become spaces.
std::string one_line(std::string text, size_t bytes = 1000);

}  // namespace planner
