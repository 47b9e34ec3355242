// The program itself: descriptor 3 in, descriptor 3 out, and an exit code.
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/workers/planner/planner_fixture.h"
#include "workers/common/base/fd.h"
#include "workers/common/base/frame_stream.h"

namespace {

class PlannerProcess : public PlannerTest {
  protected:
    void start() {
        int pair[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ours_ = Fd{pair[0]};
        Fd theirs{pair[1]};
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, theirs.get(), 3);
        const std::string program =
            std::string(std::getenv("HARDSHELL_BUILD")) + "/libexec/hardshell/planner";
        std::string name = "planner", variable = "OPENCLAW_GATEWAY_PORT=4711";
        char* arguments[] = {name.data(), nullptr};
        char* variables[] = {variable.data(), nullptr};
        ASSERT_EQ(
            ::posix_spawn(&process_, program.c_str(), &actions, nullptr, arguments, variables), 0);
        posix_spawn_file_actions_destroy(&actions);
    }
    int exit_code() {
        int status = 0;
        ::waitpid(process_, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

    Fd ours_;
    pid_t process_ = 0;
};

TEST_F(PlannerProcess, AnswersOneRequestAndEnds) {
    write("openclaw.json", fixture("openclaw-fly.json"));
    start();
    ASSERT_TRUE(write_one_frame(ours_.get(), request({"--allow-unconfigured"}), 5000));
    const Result<std::string> frame = read_one_frame(ours_.get(), 10'000);
    ASSERT_TRUE(frame);
    hardshell::proto::PlanReply reply;
    ASSERT_TRUE(reply.ParseFromString(*frame));
    EXPECT_EQ(reply.plan().source(), "file");
    EXPECT_EQ(worker(reply.plan(), "gateway").settings().port(), 4711u);
    EXPECT_EQ(exit_code(), 0);
}

TEST_F(PlannerProcess, FailsOnWhatIsNoRequest) {
    start();
    ASSERT_EQ(::send(ours_.get(), "\0\0\0\2\xFF\xFF", 6, 0), 6);
    EXPECT_EQ(exit_code(), 70);
}

TEST_F(PlannerProcess, EndsWhenNobodyAsks) {
    start();
    ours_.reset();
    EXPECT_EQ(exit_code(), 70);
}

}  // namespace
