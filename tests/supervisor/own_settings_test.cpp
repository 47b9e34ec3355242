#include "supervisor/own_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace supervisor {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

OwnSettings with(std::map<std::string, std::string> variables,
                 const std::vector<std::string>& arguments = {}) {
    return own_settings([&](const std::string& name) { return variables[name]; }, arguments);
}

TEST(OwnSettings, TakeWhatCanBeUsed) {
    const OwnSettings settings =
        with({{"HARDSHELL_STOP_BUDGET_MS", "3000"}, {"HARDSHELL_LOG_LEVEL", "warn"}});
    EXPECT_EQ(settings.stop_budget, 3000ms);
    EXPECT_EQ(settings.log_level, "warn");
    EXPECT_THAT(settings.remarks, IsEmpty());
    EXPECT_EQ(with({{"FLY_MACHINE_ID", "x"}}).stop_budget, 4500ms);
    EXPECT_EQ(with({}, {"--verbose"}).log_level, "debug");
}

TEST(OwnSettings, NameAValueThatCannotBeUsedAndTakeTheDefault) {
    for (const char* value : {"abc", "9s", "-5", "0", "99999999999999999999", " 3000"}) {
        const OwnSettings settings = with({{"HARDSHELL_STOP_BUDGET_MS", value}});
        EXPECT_EQ(settings.stop_budget, 9000ms) << value;
        ASSERT_THAT(settings.remarks, SizeIs(1)) << value;
        EXPECT_THAT(settings.remarks[0],
                    HasSubstr("HARDSHELL_STOP_BUDGET_MS is \"" + std::string(value) + "\""));
        EXPECT_THAT(settings.remarks[0], HasSubstr("; 9000 is used"));
    }
    const OwnSettings loud = with({{"HARDSHELL_LOG_LEVEL", "loud"}});
    EXPECT_EQ(loud.log_level, "info");
    ASSERT_THAT(loud.remarks, SizeIs(1));
    EXPECT_THAT(loud.remarks[0], HasSubstr("HARDSHELL_LOG_LEVEL is \"loud\""));
    EXPECT_THAT(loud.remarks[0], HasSubstr("; info is used"));
}

}  // namespace
}  // namespace supervisor
