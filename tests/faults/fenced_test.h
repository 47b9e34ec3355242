// A fault test with control groups of its own around what it lets run away.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/faults/control_group.h"
#include "tests/faults/fault_test.h"

class FencedTest : public FaultTest {
  protected:
    // Lives as long as the test: whatever is inside ends first.
    ControlGroup& own_group(const std::string& controller) {
        groups_.push_back(std::make_unique<ControlGroup>(controller));
        return *groups_.back();
    }

    void TearDown() override {
        FaultTest::TearDown();
        groups_.clear();
    }

    size_t lines_with(const std::string& text) const {
        size_t count = 0;
        for (const std::string& line : supervisor->log().lines())
            count += line.find(text) != std::string::npos;
        return count;
    }
    bool wait_lines_with(const std::string& text, size_t count,
                         std::chrono::milliseconds limit = patience) const {
        return eventually([&] { return lines_with(text) >= count; }, limit);
    }
    // What a worker says is in the log soon after: it and the supervisor respond.
    void expect_responds(const std::string& worker) const {
        const std::string words = "still here " + std::to_string(monotonic_us());
        EXPECT_TRUE(supervisor->tell(worker, "print " + words)) << worker;
        EXPECT_TRUE(supervisor->wait_line(words, 0, std::chrono::seconds(2))) << worker;
    }

  private:
    std::vector<std::unique_ptr<ControlGroup>> groups_;
};
