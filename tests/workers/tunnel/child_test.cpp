#include "workers/tunnel/child.h"

#include <gmock/gmock.h>

#include "workers/tunnel/command.h"

namespace tunnel {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ChildOrder shell(const std::string& script) {
    ChildOrder order;
    order.program = "/bin/sh";
    order.arguments = {"-c", script};
    order.environment = {"PATH=/usr/bin:/bin", "WORD=there"};
    return order;
}

class ChildTest : public testing::Test {
  protected:
    CommandResult run(const ChildOrder& order,
                      std::chrono::milliseconds time = std::chrono::seconds(10)) {
        CommandResult seen;
        command.run(order, time, [&](const CommandResult& result) {
            seen = result;
            loop->stop(0);
        });
        loop->run();
        return seen;
    }

    std::unique_ptr<Loop> loop = make_epoll_loop();
    Command command{*loop};
};

}  // namespace

TEST_F(ChildTest, TellsEveryLineAndHowItEnded) {
    const CommandResult result = run(shell("echo a; echo $WORD; printf last; echo e >&2; exit 3"));
    EXPECT_EQ(result.code, 3);
    EXPECT_EQ(result.output, "a\nthere\nlast\n");
    EXPECT_EQ(result.errors, "e\n");
}

TEST_F(ChildTest, HandsOnNothingButWhatItIsGiven) {
    const int leaked = dup(1);  // not closed by exec
    const CommandResult result = run(shell("ls /proc/self/fd; env; cat"));
    close(leaked);
    // 0, 1, 2, and the directory that ls reads.
    EXPECT_THAT(result.output, HasSubstr("0\n1\n2\n3\n"));
    EXPECT_EQ(result.output.find("\n4\n"), std::string::npos) << result.output;
    EXPECT_EQ(result.output.find("HOME="), std::string::npos);
}

TEST_F(ChildTest, LetsASecretBeReadFromADescriptorOnly) {
    ChildOrder order = shell("cat /proc/self/fd/3; tr '\\0' ' ' < /proc/$$/cmdline; env");
    order.secret = "tskey-auth-secret";
    const CommandResult result = run(order);
    EXPECT_TRUE(result.output.starts_with("tskey-auth-secret")) << result.output;
    EXPECT_EQ(result.output.find("tskey", 1), std::string::npos) << result.output;
}

TEST_F(ChildTest, EndsWhatWouldNotEnd) {
    std::vector<int> codes;
    Child* running = nullptr;
    Child child(*loop, {[&](Child::Stream, std::string_view) {
                            running->end(std::chrono::milliseconds(50));
                        },
                        [&](int code) {
                            codes.push_back(code);
                            loop->stop(0);
                        }});
    running = &child;
    ASSERT_TRUE(child.start(shell("trap '' TERM; echo deaf; while :; do sleep 1; done")));
    loop->run();
    EXPECT_THAT(codes, ElementsAre(128 + 9));
    EXPECT_FALSE(child.is_running());
}

TEST_F(ChildTest, CutsALineThatNeverEnds) {
    std::vector<size_t> lengths;
    Child child(*loop,
                {[&](Child::Stream, std::string_view line) { lengths.push_back(line.size()); },
                 [&](int) { loop->stop(0); }});
    ASSERT_TRUE(child.start(shell("head -c 100000 /dev/zero | tr '\\0' x; echo; echo next")));
    loop->run();
    EXPECT_THAT(lengths, ElementsAre(Child::longest_line, 4u));
}

TEST_F(ChildTest, SaysThatAProgramIsNotThere) {
    ChildOrder order;
    order.program = "/nowhere/ngrok";
    EXPECT_EQ(run(order).code, -1);
    EXPECT_EQ(find_program("ngrok", "/nowhere:/neither"), "");
    EXPECT_EQ(find_program("sh", "/nowhere:/bin"), "/bin/sh");
}

TEST_F(ChildTest, GivesUpOnACommandThatTakesTooLong) {
    const CommandResult result =
        run(shell("while :; do sleep 1; done"), std::chrono::milliseconds(50));
    EXPECT_TRUE(result.timed_out);
    EXPECT_EQ(result.code, 128 + 9);
}

}  // namespace tunnel
