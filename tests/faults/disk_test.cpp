// The volume is full, read-only or broken: what runs goes on, and the owner is told.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>

#include "tests/faults/fault_test.h"
#include "tests/faults/own_mount.h"

using namespace std::chrono_literals;

namespace {

class Disk : public FaultTest {
  protected:
    void SetUp() override { disk = std::make_unique<OwnMount>(); }

    void start_on_disk() {
        Supervised::Options options;
        options.state_dir = disk->path() + "/state";
        start(usual_plan, options);
    }
    // Says what is printed, replaces who dies, answers and reads its configuration again.
    void expect_alive(const std::string& words);
    // Ends in order, and serves again when it is started on the same disk.
    void expect_starts_again();

    std::unique_ptr<OwnMount> disk;
};

void Disk::expect_alive(const std::string& words) {
    ASSERT_TRUE(supervisor->tell("two", "print " + words));
    EXPECT_TRUE(supervisor->wait_line("[two] " + words));
    const uint64_t life = supervisor->status("one").incarnation();
    kill(supervisor->worker("one"), SIGKILL);
    EXPECT_TRUE(supervisor->wait_ready_after("one", life));
    const size_t line = supervisor->log().count();
    supervisor->signal(SIGHUP);
    EXPECT_TRUE(supervisor->wait_line("reading the configuration again", line));
    EXPECT_TRUE(supervisor->ask("status"));
    for (const char* name : {"gateway", "agent", "two"})
        EXPECT_EQ(supervisor->status(name).restarts(), 0u) << name;
}

void Disk::expect_starts_again() {
    stop();
    EXPECT_EQ(supervisor->left_behind(2s), std::vector<pid_t>());
    supervisor->start();
    ASSERT_TRUE(eventually([&] { return bool(supervisor->ask("status")); }))
        << supervisor->log().text();
    wait_all_ready();
}

TEST_P(Disk, ThatIsFullStopsNothing) {
    covers("41");
    if (!disk->in_memory(4u << 20)) GTEST_SKIP() << "no file system may be mounted here";
    start_on_disk();
    const size_t line = supervisor->log().count();
    disk->fill();
    EXPECT_TRUE(supervisor->wait_line("the state directory is full", line));
    expect_alive("words on a full disk");
    const size_t next_life = supervisor->log().count();
    expect_starts_again();
    EXPECT_TRUE(supervisor->wait_line("the state directory is full", next_life));
    const auto status = supervisor->ask("status");
    ASSERT_TRUE(status);
    EXPECT_GT(status->status().missing_size(), 0);
    disk->make_room();
    EXPECT_TRUE(supervisor->wait_line("the state directory has room again"));
    expect_alive("words on a disk with room");
}

TEST_P(Disk, ThatIsReadOnlyFromTheStartCausesNoRestartLoop) {
    covers("42");
    if (!disk->in_memory(4u << 20)) GTEST_SKIP() << "no file system may be mounted here";
    start_on_disk();
    stop();
    ASSERT_TRUE(disk->make_read_only());
    supervisor->start();
    ASSERT_TRUE(eventually([&] { return bool(supervisor->ask("status")); }))
        << supervisor->log().text();
    wait_all_ready();
    EXPECT_TRUE(supervisor->wait_line("the state directory cannot be written"));
    expect_alive("words on a disk that is read-only");
    ASSERT_TRUE(disk->make_writable());
    EXPECT_TRUE(supervisor->wait_line("the state directory can be written again"));
    expect_alive("words on a disk that can be written");
}

TEST_P(Disk, ThatFailsWhileItIsUsedStopsNothing) {
    covers("42");
    if (!disk->ext4(16u << 20)) GTEST_SKIP() << "no ext4 on a loop device may be mounted here";
    start_on_disk();
    if (!disk->fail()) GTEST_SKIP() << "this kernel cannot abort an ext4 on request";
    ASSERT_LT(open((disk->path() + "/probe").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600), 0)
        << "the disk still takes writes";
    expect_alive("words on a broken disk");
    expect_starts_again();
}

AT_BOTH_PLACES(Disk);

}  // namespace
