#include "tests/support/fault_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace {

std::string property(const testing::TestResult& result, const std::string& key) {
    for (int i = 0; i < result.test_property_count(); ++i)
        if (key == result.GetTestProperty(i).key()) return result.GetTestProperty(i).value();
    return {};
}

std::string skip_reason(const testing::TestResult& result) {
    for (int i = 0; i < result.total_part_count(); ++i)
        if (result.GetTestPartResult(i).skipped()) {
            std::string text = result.GetTestPartResult(i).message();
            std::replace(text.begin(), text.end(), '\n', ' ');
            return text;
        }
    return {};
}

// One file per test, one line per scenario: number, P or N, outcome, test, remark.
class Report : public testing::EmptyTestEventListener {
    void OnTestEnd(const testing::TestInfo& test) override {
        const auto& result = *test.result();
        const std::string numbers = property(result, "scenario");
        const char* build = std::getenv("HARDSHELL_BUILD");
        if (numbers.empty() || !build) return;
        const std::filesystem::path folder = std::filesystem::path(build) / "fault_report";
        std::error_code failure;
        std::filesystem::create_directories(folder, failure);
        const std::string name = std::string(test.test_suite_name()) + "." + test.name();
        const bool first = name.find("first_process") != std::string::npos;
        const char* outcome = result.Skipped() ? "not run" : result.Passed() ? "held" : "FAILED";
        const std::string why = result.Skipped() ? skip_reason(result) : property(result, "remark");
        std::string file = name;
        std::replace(file.begin(), file.end(), '/', '_');
        std::ofstream out(folder / (file + ".tsv"));
        std::istringstream list(numbers);
        for (std::string number; list >> number;)
            out << number << '\t' << (first ? 'P' : 'N') << '\t' << outcome << '\t' << name << '\t'
                << why << '\n';
    }
};

}  // namespace

void report_faults() {
    static const bool appended = [] {
        testing::UnitTest::GetInstance()->listeners().Append(new Report);
        return true;
    }();
    (void)appended;
}
