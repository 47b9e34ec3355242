#include "supervisor/stock_locks.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

namespace supervisor {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

uint64_t start_time_of(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string text;
    std::getline(file, text);
    std::istringstream rest(text.substr(text.rfind(')') + 2));
    std::string word;
    for (int field = 3; field <= 22; ++field) rest >> word;
    return std::stoull(word);
}

// A program that sleeps under a name of our choice.
struct Sleeper {
    pid_t pid = 0;
    explicit Sleeper(const char* name) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) abort();
        pid = fork();
        if (pid == 0) {
            execl("/bin/sleep", name, "60", nullptr);
            _exit(127);
        }
        close(ends[1]);
        char byte;
        (void)!read(ends[0], &byte, 1);  // closed by the exec
        close(ends[0]);
    }
    void end() {
        if (pid <= 0) return;
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        pid = 0;
    }
    ~Sleeper() { end(); }
};

class StockLocksTest : public testing::Test {
  protected:
    void SetUp() override {
        char name[] = "/tmp/stock_locks_XXXXXX";
        root_ = mkdtemp(name);
        places_ = {root_ + "/tmp", root_ + "/state", root_ + "/state/openclaw.json"};
        own_ = "/openclaw-" + std::to_string(geteuid());
        fs::create_directories(places_.temporary_dir + own_);
        fs::create_directories(places_.state_dir + "/tmp" + own_);
    }
    void TearDown() override { fs::remove_all(root_); }

    std::string shared() const { return places_.temporary_dir + own_ + "/gateway.1a2b3c4d.lock"; }
    std::string newer() const { return places_.state_dir + "/tmp" + own_ + "/gateway.1a2b.lock"; }
    std::string plain() const { return places_.state_dir + "/gateway.old.lock"; }

    static void write(const std::string& path, const std::string& text, bool is_old = true) {
        std::ofstream(path) << text;
        const timespec times[2] = {{1'700'000'000, 0}, {1'700'000'000, 0}};
        if (is_old) utimensat(AT_FDCWD, path.c_str(), times, 0);
    }
    std::string body(pid_t pid, uint64_t start_time, const std::string& config = {}) const {
        std::string text = "{\"pid\":" + std::to_string(pid) +
                           ",\"createdAt\":\"2026-01-30T10:00:00.000Z\",\"configPath\":\"" +
                           (config.empty() ? places_.config_path : config) + "\"";
        if (start_time != 0) text += ",\"startTime\":" + std::to_string(start_time);
        return text + "}";
    }
    std::vector<std::string> clear(milliseconds patience = milliseconds(50)) const {
        const auto cleared = clear_stock_locks(places_, patience);
        return cleared ? *cleared : std::vector<std::string>{"refused: " + cleared.error().what};
    }

    std::string root_;
    std::string own_;
    StockLockPlaces places_;
};

TEST_F(StockLocksTest, RemovesTheLocksOfTheDeadInAllThreePlaces) {
    Sleeper dead("openclaw-gateway");
    const pid_t pid = dead.pid;
    dead.end();
    for (const std::string& path : {shared(), newer(), plain()}) write(path, body(pid, 0));
    const std::string why = ": pid " + std::to_string(pid) + " has ended";
    EXPECT_THAT(clear(), ElementsAre("removed the stale lock " + shared() + why,
                                     "removed the stale lock " + newer() + why,
                                     "removed the stale lock " + plain() + why));
    for (const std::string& path : {shared(), newer(), plain()}) EXPECT_FALSE(fs::exists(path));
    EXPECT_THAT(clear(), IsEmpty());
}

TEST_F(StockLocksTest, RefusesWhileTheGatewayLives) {
    const Sleeper live("openclaw-gateway");
    for (const uint64_t start_time : {uint64_t{0}, start_time_of(live.pid)}) {
        write(plain(), body(live.pid, start_time));
        const auto cleared = clear_stock_locks(places_, milliseconds(30));
        ASSERT_FALSE(cleared);
        EXPECT_EQ(cleared.error().fault, Fault::busy);
        EXPECT_EQ(cleared.error().what, "gateway already running (pid " + std::to_string(live.pid) +
                                            "); it holds " + plain() + "; lock timeout after 30ms");
        EXPECT_TRUE(fs::exists(plain()));
    }
}

TEST_F(StockLocksTest, WaitsForAGatewayThatEnds) {
    Sleeper live("moltbot");
    write(newer(), body(live.pid, start_time_of(live.pid)));
    std::thread later([&] {
        std::this_thread::sleep_for(milliseconds(60));
        live.end();
    });
    EXPECT_THAT(clear(milliseconds(5'000)), ElementsAre(HasSubstr("has ended")));
    later.join();
}

TEST_F(StockLocksTest, KnowsAReusedPid) {
    const Sleeper live("openclaw-gateway");
    write(plain(), body(live.pid, start_time_of(live.pid) + 1));
    EXPECT_THAT(clear(), ElementsAre(HasSubstr("has ended and is another process by now")));
    const Sleeper other("postgres");
    write(plain(), body(other.pid, start_time_of(other.pid)));
    EXPECT_THAT(clear(), ElementsAre(HasSubstr("is no OpenClaw")));
    write(plain(), body(getpid(), start_time_of(getpid())));
    EXPECT_THAT(clear(), ElementsAre(HasSubstr("is our own by now")));
}

TEST_F(StockLocksTest, LeavesLocksOfOtherConfigurationsAlone) {
    write(shared(), body(1, 1, "/somewhere/else.json"));
    write(places_.temporary_dir + own_ + "/gateway.garbage.lock", "garbage");
    write(places_.state_dir + "/other.lock", body(1, 1));
    EXPECT_THAT(clear(), IsEmpty());
    EXPECT_TRUE(fs::exists(shared()));
    write(places_.config_path, "{}");
    fs::create_symlink(places_.state_dir, root_ + "/link");
    write(shared(), body(1, 1, root_ + "/link/openclaw.json"));  // another name for ours
    EXPECT_THAT(clear(), ElementsAre(HasSubstr("removed the stale lock " + shared())));
}

TEST_F(StockLocksTest, RemovesGarbageButNotWhileItMayBeWritten) {
    for (const char* text : {"", "garbage", "{\"pid\":", "{}", "[1]", "{\"pid\":\"1\"}",
                             "{\"pid\":-1}", "{\"pid\":99999999999999999999}", "{\"pid\":0}"}) {
        write(plain(), text);
        EXPECT_THAT(clear(), ElementsAre(HasSubstr("it names no process"))) << text;
    }
    write(plain(), std::string(100'000, ' ') + body(1, 0));
    EXPECT_THAT(clear(), ElementsAre(HasSubstr("it names no process")));
    write(plain(), "", false);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_THAT(clear(milliseconds(40)), ElementsAre(HasSubstr("it names no process")));
    EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(40));
}

TEST_F(StockLocksTest, FollowsNoSymbolicLink) {
    write(root_ + "/precious", body(1, 1));
    fs::create_symlink(root_ + "/precious", plain());
    mkfifo(newer().c_str(), 0600);
    fs::remove_all(places_.temporary_dir + own_);
    fs::create_directories(root_ + "/elsewhere");
    write(root_ + "/elsewhere/gateway.1.lock", body(1, 1));
    fs::create_directory_symlink(root_ + "/elsewhere", places_.temporary_dir + own_);
    EXPECT_THAT(clear(), IsEmpty());
    EXPECT_TRUE(fs::exists(root_ + "/elsewhere/gateway.1.lock"));
    EXPECT_TRUE(fs::exists(root_ + "/precious"));
}

TEST(StockLock, ReadsOnlyTheTopLevelOfAnObject) {
    const auto lock = parse_stock_lock(
        R"( {"a":{"pid":1,"configPath":"no"},"b":[2,{"pid":3}],"pid" : 42 ,"c":"\"pid\":4",)"
        R"("configPath":"/da\"ta\\x","startTime":1.5,"d":"pid","e":null} trailing)");
    ASSERT_TRUE(lock);
    EXPECT_EQ(lock->pid, 42u);
    EXPECT_EQ(lock->start_time, 1u);
    EXPECT_EQ(lock->config_path, "/da\"ta\\x");
    for (const char* text : {"", "[]", "{", "{\"pid\":1", "{\"a\":\"", "{\"a\\", "42", "\"{}\""})
        EXPECT_FALSE(parse_stock_lock(text)) << text;
}

TEST(StockLock, StandsWhereNodeKeepsTemporaryFiles) {
    EXPECT_EQ(node_temporary_dir({}), "/tmp");
    EXPECT_EQ(node_temporary_dir({"TEMP=/c", "TMPDIR=/a/", "TMP=/b"}), "/a");
    EXPECT_EQ(node_temporary_dir({"TMPDIR=", "TMP=/b"}), "/b");
}

}  // namespace
}  // namespace supervisor
