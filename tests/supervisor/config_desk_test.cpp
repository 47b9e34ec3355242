#include "supervisor/config_desk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>

#include "supervisor/roster.h"
#include "workers/common/base/file_state.h"

namespace supervisor {
namespace {

using hardshell::proto::ConfigAnswer;
using hardshell::proto::ConfigCall;

class KeptConfigTest : public testing::Test {
  protected:
    KeptConfigTest() {
        char name[] = "/tmp/kept-config-XXXXXX";
        directory_ = mkdtemp(name);
        write("{}");
    }
    ~KeptConfigTest() override { std::filesystem::remove_all(directory_); }

    std::string path(const char* name = "openclaw.json") const { return directory_ + "/" + name; }
    void write(const std::string& text) const { std::ofstream(path()) << text; }
    static ConfigCall call(uint64_t known, const char* params = "{}") {
        ConfigCall made;
        made.set_method("config.get");
        made.set_params_json(params);
        made.set_keeps(true);
        made.set_known(known);
        return made;
    }
    ConfigAnswer answer() const {
        ConfigAnswer made;
        made.set_payload_json("{}");
        for (const std::string& file : {path(), path(".env")}) {
            const FileState state = *FileState::of(file);
            auto& seen = *made.add_files();
            seen.set_path(file);
            seen.set_device(state.device);
            seen.set_inode(state.inode);
            seen.set_size(state.size);
            seen.set_modified_ns(state.modified_ns);
            seen.set_changed_ns(state.changed_ns);
        }
        return made;
    }
    uint64_t pass(ConfigAnswer made) {
        kept_.pass(call(0), made);
        EXPECT_EQ(made.files_size(), 0) << "the asker is not told of files";
        return made.version();
    }

    std::string directory_;
    KeptConfig kept_;
};

TEST_F(KeptConfigTest, HoldsWhileTheFilesAreAsTheyWere) {
    EXPECT_FALSE(kept_.holds(call(0)));
    const uint64_t version = pass(answer());
    EXPECT_EQ(version, kept_.version());
    EXPECT_TRUE(kept_.holds(call(version)));
    EXPECT_FALSE(kept_.holds(call(0))) << "who has none is given one";
    EXPECT_FALSE(kept_.holds(call(version, R"({"includeSecrets":true})")));
    ConfigCall forgetful = call(version);
    forgetful.set_keeps(false);
    EXPECT_FALSE(kept_.holds(forgetful));
    write("{\"a\":1}");
    EXPECT_FALSE(kept_.holds(call(version)));
}

TEST_F(KeptConfigTest, SeesAFileThatIsReplacedRemovedOrNew) {
    uint64_t version = pass(answer());
    std::filesystem::copy(path(), path("other"));
    std::filesystem::rename(path("other"), path());
    EXPECT_FALSE(kept_.holds(call(version)));
    version = pass(answer());
    EXPECT_TRUE(kept_.holds(call(version)));
    std::ofstream(path(".env")) << "A=b";
    EXPECT_FALSE(kept_.holds(call(version)));
    version = pass(answer());
    std::filesystem::remove(path());
    EXPECT_FALSE(kept_.holds(call(version)));
}

TEST_F(KeptConfigTest, KeepsNoRefusalAndNothingWithoutFiles) {
    ConfigAnswer refused = answer();
    refused.set_error_code("UNAVAILABLE");
    EXPECT_EQ(pass(refused), 0u);
    EXPECT_EQ(pass(ConfigAnswer()), 0u);
    EXPECT_FALSE(kept_.holds(call(1)));
}

// Planners that never answer: the answers are the desk's own, or come of their end.
class ConfigDeskTest : public testing::Test {
  protected:
    ConfigDesk::Answer into(std::vector<std::string>& codes) {
        return [&codes](const ConfigAnswer& answer) { codes.push_back(answer.error_code()); };
    }
    static ConfigCall call() {
        ConfigCall made;
        made.set_method("channels.groupMoved");
        return made;
    }
    void let_planner_end() {
        int how = 0;
        ASSERT_EQ(waitpid(planner_.pid(), &how, 0), planner_.pid());
        const auto answered = loop_->before_sleep([this] {
            if (!planner_.is_busy()) loop_->stop(0);
        });
        const auto limit = loop_->after(std::chrono::seconds(10), [this] { loop_->stop(1); });
        loop_->run();
        ASSERT_FALSE(planner_.is_busy());
        planner_.ended();
    }

    std::unique_ptr<Loop> loop_ = make_epoll_loop();
    Fd nowhere_{open("/dev/null", O_WRONLY | O_CLOEXEC)};
    LogPump log_{*loop_, nowhere_.get()};
    PlannerClient planner_{*loop_, log_, {"/bin/true", -1, {}, {}, nullptr}};
    ConfigDesk desk_{planner_, [] { return hardshell::proto::PlanRequest(); }};
};

TEST_F(ConfigDeskTest, TakesOneRequestOfANarrowKindAtATime) {
    std::vector<std::string> first, second, others;
    desk_.take_one("telegram", call(), into(first));
    for (int i = 0; i < 100; ++i) desk_.take_one("telegram", call(), into(second));
    EXPECT_EQ(second, std::vector<std::string>(100, "UNAVAILABLE"));
    EXPECT_TRUE(first.empty());
    desk_.take_one("other", call(), into(others));
    for (size_t i = 1; i < ConfigDesk::most_waiting; ++i) desk_.take(call(), into(others));
    EXPECT_TRUE(others.empty()) << "they have all the room";
    let_planner_end();
    EXPECT_EQ(first.size(), 1u);
    second.clear();
    desk_.take_one("telegram", call(), into(second));  // there is no room for it just now
    EXPECT_EQ(second.size(), 1u);
    desk_.go_on();
    desk_.take_one("telegram", call(), into(first));
    EXPECT_EQ(first.size(), 1u) << "it waits for its turn";
    EXPECT_TRUE(others.empty());
    let_planner_end();
    EXPECT_EQ(others.size(), 1u);
}

// A channel talks to the internet all day: it may say that a group has moved, and change nothing
// else.
TEST(ConfigQuestions, AreForTheGatewayAndOneOfThemForTelegram) {
    for (const KindOfWorker& row : roster()) {
        EXPECT_EQ(may_ask_config(row, "config.get"), row.kind == "gateway") << row.kind;
        EXPECT_EQ(may_ask_config(row, ""), row.kind == "gateway") << row.kind;
        EXPECT_EQ(may_ask_config(row, "channels.groupMoved"),
                  row.kind == "gateway" || row.kind == "telegram")
            << row.kind;
    }
}

}  // namespace
}  // namespace supervisor
