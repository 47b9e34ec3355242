// Which variables a model may give a command.

#include <gtest/gtest.h>

#include "workers/tools/tool_worker.h"

namespace tools {

TEST(Variables, ThatLoadCodeOrChangeWhatIsRunAreRefused) {
    for (const char* name : {"LD_PRELOAD",    "LD_LIBRARY_PATH",
                             "LD_AUDIT",      "DYLD_INSERT_LIBRARIES",
                             "GCONV_PATH",    "BASH_ENV",
                             "ENV",           "PROMPT_COMMAND",
                             "NODE_OPTIONS",  "NODE_PATH",
                             "PYTHONPATH",    "PYTHONSTARTUP",
                             "PYTHONHOME",    "PERL5LIB",
                             "PERL5OPT",      "RUBYOPT",
                             "RUBYLIB",       "PATH",
                             "IFS",           "GIT_SSH_COMMAND",
                             "GIT_EXEC_PATH", "SHELLOPTS",
                             "BASHOPTS",      "PS4"})
        EXPECT_FALSE(may_set(name)) << name;
}

TEST(Variables, ThatAreNoNamesAreRefused) {
    EXPECT_FALSE(may_set(""));
    EXPECT_FALSE(may_set("A=LD_PRELOAD"));
    EXPECT_FALSE(may_set(std::string_view("A\0LD_PRELOAD", 12)));
}

TEST(Variables, OfAProgramsOwnAreTaken) {
    for (const char* name :
         {"FOO", "HOME", "LANG", "CI", "PYTHONUNBUFFERED", "LDFLAGS", "ENVIRONMENT"})
        EXPECT_TRUE(may_set(name)) << name;
}

}  // namespace tools
